package dev.perdure.store;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.session.SubmitterLogin;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.Semaphore;
import org.postgresql.util.PGobject;

/**
 * Starts workflows for submitters, each in a session of its own that is logged in as the submitter, so that no text of theirs is evaluated
 * with other rights. These sessions run no steps. Thread-safe.
 */
public final class SubmitterSessions implements AutoCloseable {

    /** Most sessions at once: a thousand submissions must not use up the server's sessions. */
    private static final int MOST = 4;

    private static final Map<String, String> SETTINGS = Map.of(
            "standard_conforming_strings", "on",
            "statement_timeout", "30s",
            "lock_timeout", "10s",
            "idle_in_transaction_session_timeout", "60s");

    private final DatabaseUrl worker;
    private final SubmitterLogin login;
    private final ServerIdentity server;
    private final Semaphore slots = new Semaphore(MOST);
    private volatile boolean closed;

    /**
     * @param worker pinned to the server that the leader's session is on
     * @param server what that session found
     */
    public SubmitterSessions(DatabaseUrl worker, SubmitterLogin login, ServerIdentity server) {
        this.worker = worker;
        this.login = login;
        this.server = server;
    }

    /**
     * Calls {@code df.start}, and commits.
     *
     * @return the instance's id: a new one, or that of the instance which the role has started under the key before
     * @throws InvalidExpressionException when an expression does not evaluate to a workflow
     */
    public String start(Submission submission) throws SQLException, InvalidExpressionException {
        slots.acquireUninterruptibly();
        try (Connection session = open(submission.role())) {
            String definition =
                    submission.expression() ? evaluate(session, submission.definition()) : submission.definition();
            return start(session, submission, definition);
        } finally {
            slots.release();
        }
    }

    private Connection open(String role) throws SQLException {
        if (closed) {
            throw new SQLException("this worker does not lead any more", "57P01");
        }
        Connection session = login.loginAs(worker, role)
                .withSettings(SETTINGS)
                .connect(
                        Map.of("ApplicationName", "perdure submission", "connectTimeout", "30", "socketTimeout", "90"));
        try {
            server.require(session);
            return session;
        } catch (SQLException | RuntimeException e) {
            session.close();
            throw e;
        }
    }

    /** Evaluates an expression as {@code df.explain} does: with the role's rights, and without any effect. */
    private static String evaluate(Connection session, String expression)
            throws SQLException, InvalidExpressionException {
        try (PreparedStatement statement =
                session.prepareStatement("SELECT e.node, e.problem FROM df._evaluate(?) AS e")) {
            statement.setString(1, expression);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                if (row.getString(2) != null) {
                    throw new InvalidExpressionException(row.getString(2));
                }
                return row.getString(1);
            }
        }
    }

    private static String start(Connection session, Submission submission, String definition) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement("SELECT df.start(?, ?, ?, 'caller', ?)")) {
            statement.setString(1, definition);
            statement.setString(2, submission.label());
            statement.setString(3, submission.database());
            PGobject options = new PGobject();
            options.setType("jsonb");
            options.setValue(StartOptions.json(submission));
            statement.setObject(4, options);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    /** Opens no more sessions; open ones end by themselves. */
    @Override
    public void close() {
        closed = true;
    }
}
