package dev.perdure.web.login;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.OwnerSettings;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.web.Problem;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Opens sessions on the server as a role with its password. A login is one only if the server checked the password, and only as a role
 * from which nobody becomes more than a submitter.
 */
final class Gate {

    /** The same for a role that does not exist and a password that is wrong. */
    static final String WRONG = "The role or the password is wrong, or the role may not log in";

    private static final int MAX_ROLE_BYTES = 63;
    private static final int MAX_PASSWORD = 1_000;
    static final String APPLICATION = "perdure-web";
    private static final int CONNECT_SECONDS = 10;

    /** pg_has_role and not the attributes alone: SET ROLE gives a member the attributes of the role. */
    private static final String RIGHTS =
            "SELECT session_user, EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE (r.rolsuper OR r.rolbypassrls OR r.rolreplication)"
                    + " AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')),"
                    + " coalesce((SELECT pg_catalog.pg_has_role(session_user, n.nspowner, 'MEMBER') FROM pg_catalog.pg_namespace n"
                    + " WHERE n.nspname OPERATOR(pg_catalog.=) 'df'), false)";

    private static final Logger LOG = Logger.getLogger(Gate.class);

    private final DatabaseUrl worker;
    private final SubmitterLogin vouched;
    private final Map<String, String> settings;
    private final Map<String, String> properties;

    /**
     * The gate of a database.
     *
     * @param worker how the worker reaches it
     * @param vouched how it logs in as a role for users that another party has vouched for
     * @param statementTimeout for each statement
     */
    Gate(DatabaseUrl worker, SubmitterLogin vouched, Duration statementTimeout) {
        this(worker, vouched, statementTimeout, CONNECT_SECONDS, 0);
    }

    /**
     * The same with other patience.
     *
     * @param socketSeconds how long an answer may take before the server is taken for gone; 0 for no limit
     */
    Gate(DatabaseUrl worker, SubmitterLogin vouched, Duration statementTimeout, int connectSeconds, int socketSeconds) {
        this.properties = Map.of(
                "prepareThreshold", "0",
                "loginTimeout", Integer.toString(connectSeconds),
                "socketTimeout", Integer.toString(socketSeconds));
        this.vouched = vouched;
        this.worker = worker.withParameter("application_name", APPLICATION);
        this.settings = OwnerSettings.with(Map.of(
                "statement_timeout", statementTimeout.toMillis() + "ms",
                "lock_timeout", "2s",
                "idle_in_transaction_session_timeout", "10s"));
    }

    /**
     * Opens the first session of a login, and checks all that a login has to be.
     *
     * @throws Problem 401 when the server refuses, 403 when the login is none or the role is too mighty, 503 when there is no server
     */
    RoleSession enter(String role, String password) throws Problem {
        check(role, password);
        RoleSession session = open(role, password);
        return unless(session, () -> {
            if (isLetIn(role, Sealed.randomText())) {
                throw Problem.of(
                        403,
                        "The server lets this role in without a look at the password",
                        "It is let in by trust, peer, ident or a certificate where the worker connects from, so that anybody could log in"
                                + " as it here. A line of pg_hba.conf with scram-sha-256 for this role and the worker's address makes it possible.");
            }
            refuseMighty(session.connection(), role);
        });
    }

    @FunctionalInterface
    private interface Objection {
        void raise() throws Problem;
    }

    /** The session, which is closed when something speaks against the login. */
    private static RoleSession unless(RoleSession session, Objection objection) throws Problem {
        boolean kept = false;
        try {
            objection.raise();
            kept = true;
            return session;
        } finally {
            if (!kept) {
                session.close();
            }
        }
    }

    /** The role that people try out the embedded server as, which has no password. */
    RoleSession enterTrusted(String role) throws Problem {
        RoleSession session = open(role, null);
        return unless(session, () -> refuseMighty(session.connection(), role));
    }

    /** A session as steps have theirs, for users that another party has vouched for. */
    RoleSession openVouched(String role) throws Problem {
        DatabaseUrl url;
        try {
            url = vouched.loginAs(worker, role);
        } catch (SQLException e) {
            LOG.warnf("The dashboard cannot log in as %s: %s", role, e.getMessage());
            throw Problem.of(503, "The worker has no password of this role");
        }
        RoleSession session;
        try {
            session = open(url);
        } catch (SQLException e) {
            Problem problem = refused(e);
            // 08004: the server asks for a password, and there is none.
            if (problem.status() != 401 && !"08004".equals(e.getSQLState())) {
                throw problem;
            }
            LOG.warnf("The dashboard cannot log in as %s: %s", role, e.getMessage());
            throw Problem.of(
                    403,
                    "The worker cannot log in as the role of your group",
                    "It logs in as for steps: docs/security.md, Logins. The worker's log has the reason.");
        }
        RoleSession opened = session;
        return unless(opened, () -> refuseMighty(opened.connection(), role));
    }

    /** Opens another session of a login. */
    RoleSession open(String role, @Nullable String password) throws Problem {
        try {
            return open(worker.withUser(role, password));
        } catch (SQLException e) {
            throw refused(e);
        }
    }

    private RoleSession open(DatabaseUrl url) throws SQLException {
        DatabaseUrl.Opened opened = url.withSettings(settings).open(properties);
        RoleSession session = new RoleSession(opened);
        try {
            session.prepare();
            return session;
        } catch (SQLException e) {
            session.close();
            throw e;
        }
    }

    private boolean isLetIn(String role, String password) throws Problem {
        try (Connection session = worker.withUser(role, password).connect(Map.of("loginTimeout", "10"))) {
            return session.isValid(0);
        } catch (SQLException e) {
            Problem problem = refused(e);
            if (problem.status() == 401) {
                return false;
            }
            throw problem;
        }
    }

    /** Hides the driver's message, which may name hosts and roles, from callers that are not logged in. */
    private static Problem refused(SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        if (state.startsWith("28")) {
            return Problem.of(401, WRONG);
        }
        if (state.startsWith("53")) {
            return Problem.later(503, "The server has no session left for this role", 5);
        }
        return Problem.later(503, "The database does not answer", 5);
    }

    private static void check(String role, String password) throws Problem {
        // Longer names are cut by the server, and a zero would end the name in what is sent.
        boolean possible = !role.isEmpty()
                && role.getBytes(StandardCharsets.UTF_8).length <= MAX_ROLE_BYTES
                && role.chars().noneMatch(Character::isISOControl)
                // An empty one would be looked for in the worker's password file.
                && !password.isEmpty()
                && password.length() <= MAX_PASSWORD
                && password.indexOf('\0') < 0;
        if (!possible) {
            throw Problem.of(401, WRONG);
        }
    }

    private static void refuseMighty(Connection session, String role) throws Problem {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(RIGHTS)) {
            row.next();
            if (!role.equals(row.getString(1))) {
                throw Problem.of(401, WRONG);
            }
            if (row.getBoolean(2) || row.getBoolean(3)) {
                throw Problem.of(
                        403,
                        "This role is too mighty for a dashboard",
                        "Neither the owner of schema df nor a superuser, a role with BYPASSRLS or REPLICATION, or a member of one of these logs"
                                + " in here: a stolen session of this kind would open the whole server.");
            }
        } catch (SQLException e) {
            throw Problem.of(e);
        }
    }
}
