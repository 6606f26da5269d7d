package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.flow.Result;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.StepSession;
import dev.perdure.session.wire.Grant;
import dev.perdure.session.wire.Reply;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An SQL statement as a step: what may run, how, and what it returned. */
public final class SqlStep {

    private static final String FAILED = "SQL execution failed: error returned from database: ";
    // Statements that PostgreSQL refuses inside a transaction block (25001), or that end it themselves (2D000).
    private static final Set<String> AUTOCOMMIT =
            Set.of("VACUUM", "CREATE", "DROP", "ALTER", "REINDEX", "CLUSTER", "CALL", "DO", "CHECKPOINT", "REFRESH");

    private static final Set<String> SHARING =
            Set.of("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE");

    private final RowsReader reader;
    private final long maxResultSize;

    /**
     * @param maxResultSize bytes of a result document
     */
    public SqlStep(long maxResultSize) {
        this.reader = new RowsReader(maxResultSize);
        this.maxResultSize = maxResultSize;
    }

    /**
     * What speaks against running the statement at all.
     *
     * @return the error text of the failed node, or null
     */
    public @Nullable String refuse(String sql) {
        String reason = StatementGuard.refuse(sql);
        return reason == null ? null : "SQL execution failed: " + reason;
    }

    /** Runs the statement in a new transaction of the session, and leaves it open. */
    public Result execute(StepSession session, String sql) throws StepFailedException {
        return session.execute(sql, maxResultSize, this::read);
    }

    /** Runs the statement in the transaction that an earlier step of the instance has left open. */
    public Result executeNext(StepSession session, String sql, long timeoutMillis, long lockTimeoutMillis)
            throws StepFailedException {
        return session.executeNext(sql, timeoutMillis, maxResultSize, this::read);
    }

    /**
     * Whether the statement can share a transaction with its neighbours: plain queries only, and not those that look at
     * the state of workflows, which is not written before the end of the transaction.
     */
    public static boolean canShareTransaction(String sql) {
        if (!SHARING.contains(StatementGuard.firstWord(sql)) || StatementGuard.refuse(sql) != null) {
            return false;
        }
        String lower = sql.toLowerCase(Locale.ROOT);
        return !lower.contains("df.") && !lower.contains("\"df\"");
    }

    /** Runs the statement outside a transaction block: at least once, since no checkpoint can share its commit. */
    public Result executeAutocommit(StepSession session, String sql) throws StepFailedException {
        return session.executeAutocommit(sql, maxResultSize, this::read);
    }

    /** Whether the failure means that the statement has to run outside a transaction block. */
    public static boolean needsAutocommit(Failure failure, String sql) {
        if (failure.kind() != Failure.Kind.NEEDS_AUTOCOMMIT) {
            return false;
        }
        return AUTOCOMMIT.contains(StatementGuard.firstWord(sql));
    }

    private Result read(Reply reply, Connection connection) throws SQLException, StepFailedException {
        return reader.read(reply, connection, Grant.UNLIMITED);
    }

    /** The error text of a node whose statement failed. */
    public static String message(Failure failure) {
        boolean several =
                "42601".equals(failure.sqlState()) && failure.message().contains("multiple commands");
        return FAILED + failure.message() + (several ? " (a step is one statement; chain several with ~>)" : "");
    }
}
