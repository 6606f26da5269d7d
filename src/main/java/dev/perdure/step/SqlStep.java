package dev.perdure.step;

import dev.perdure.flow.Result;
import dev.perdure.store.Failure;
import dev.perdure.store.StepFailedException;
import dev.perdure.store.StepSession;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An SQL statement as a step: what may run, how, and what it returned. */
public final class SqlStep {

    private static final String FAILED = "SQL execution failed: error returned from database: ";
    // Statements that PostgreSQL refuses inside a transaction block (25001), or that end it themselves (2D000).
    private static final Set<String> AUTOCOMMIT =
            Set.of("VACUUM", "CREATE", "DROP", "ALTER", "REINDEX", "CLUSTER", "CALL", "DO", "CHECKPOINT", "REFRESH");

    private final RowsReader reader;

    /**
     * @param maxResultSize bytes of a result document
     */
    public SqlStep(long maxResultSize) {
        this.reader = new RowsReader(maxResultSize);
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
        return session.execute(sql, reader::read);
    }

    /** Runs the statement outside a transaction block: at least once, since no checkpoint can share its commit. */
    public Result executeAutocommit(StepSession session, String sql) throws StepFailedException {
        return session.executeAutocommit(sql, reader::read);
    }

    /** Whether the failure means that the statement has to run outside a transaction block. */
    public boolean needsAutocommit(Failure failure, String sql) {
        if (failure.kind() != Failure.Kind.NEEDS_AUTOCOMMIT) {
            return false;
        }
        return AUTOCOMMIT.contains(StatementGuard.firstWord(sql));
    }

    /** The error text of a node whose statement failed. */
    public String message(Failure failure) {
        return FAILED + failure.message();
    }
}
