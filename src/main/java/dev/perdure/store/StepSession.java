package dev.perdure.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.TimeZone;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;
import org.postgresql.util.PSQLException;

/**
 * A session that is logged in as a submitter and runs its steps, one at a time (architecture 4). Used by one thread at
 * a time; only {@link #cancel()} may be called from another.
 *
 * <p>The life of a step: {@link #execute}, then {@link #commit} or {@link #rollback}, then {@link #reset}. A session on
 * which anything failed is closed, not reset.
 */
public final class StepSession implements AutoCloseable {

    /** Reads what a statement returned; null when it returned no rows at all (not even an empty set). */
    @FunctionalInterface
    public interface ResultReader<T> {
        T read(@Nullable ResultSet rows) throws SQLException, StepFailedException;
    }

    private static final String BEFORE_CHECKPOINT =
            "SET LOCAL lock_timeout = %d; SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; ";
    // As one message of its own, so that nothing of it can be skipped by what went before. Nothing of ours is prepared
    // by
    // name here, so that DEALLOCATE ALL costs nothing and no step can replace it. The worker's time zone is in
    // the startup packet (pgjdbc sends it), so that RESET ALL would return to it.
    private static final String RESET = "CLOSE ALL; UNLISTEN *; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; "
            + (isUtc() ? "" : "SET TimeZone = 'UTC'; ")
            + "DEALLOCATE ALL; DISCARD TEMP; DISCARD SEQUENCES; SELECT pg_catalog.pg_advisory_unlock_all()";

    private final PgConnection connection;
    private final String beforeCheckpoint;
    private final long openedAt = System.nanoTime();
    private volatile long idleSince = openedAt;
    private volatile boolean cancelSent;
    private boolean broken;

    StepSession(Connection connection, long lockTimeoutMillis) throws SQLException {
        this.connection = connection.unwrap(PgConnection.class);
        this.beforeCheckpoint = BEFORE_CHECKPOINT.formatted(lockTimeoutMillis);
        if (!isUtc()) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET TimeZone = 'UTC'");
            }
        }
    }

    private static boolean isUtc() {
        return TimeZone.getDefault().getID().equals("UTC");
    }

    /**
     * Begins a transaction and runs the user's statement in it, in one pipeline with a single Sync: when BEGIN is
     * cancelled, the statement is skipped and cannot turn into one of its own. The transaction stays open.
     *
     * @param sql a single statement
     */
    public <T> T execute(String sql, ResultReader<T> reader) throws StepFailedException {
        return run("BEGIN READ WRITE;", sql, true, reader);
    }

    /** Runs the user's statement outside a transaction block. */
    public <T> T executeAutocommit(String sql, ResultReader<T> reader) throws StepFailedException {
        return run("", sql, false, reader);
    }

    private <T> T run(String prefix, String sql, boolean transaction, ResultReader<T> reader)
            throws StepFailedException {
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            boolean rows = statement.execute(prefix + sql);
            if (transaction) {
                // The first result is that of BEGIN.
                rows = statement.getMoreResults();
            }
            T result = reader.read(rows ? statement.getResultSet() : null);
            TransactionState expected = transaction ? TransactionState.OPEN : TransactionState.IDLE;
            if (connection.getTransactionState() != expected) {
                throw new StepFailedException(
                        new Failure(Failure.Kind.STEP, null, "the statement ended or began a transaction by itself"));
            }
            return result;
        } catch (SQLException e) {
            broken = true;
            throw new StepFailedException(classify(e), e);
        } catch (StepFailedException | RuntimeException | Error e) {
            broken = true;
            throw e;
        }
    }

    /**
     * Writes the checkpoint in the open transaction and commits, in one pipeline.
     *
     * @return the status of the instance as the checkpoint found or made it
     */
    public String commit(CheckpointCall call) throws StepFailedException {
        String answer = null;
        try (PreparedStatement statement = connection.prepareStatement(beforeCheckpoint + call.sql() + "; COMMIT")) {
            call.bind(statement);
            boolean rows = statement.execute();
            while (rows || statement.getUpdateCount() != -1) {
                if (rows) {
                    ResultSet result = statement.getResultSet();
                    answer = result.next() ? result.getString(1) : null;
                }
                rows = statement.getMoreResults();
            }
            if (connection.getTransactionState() != TransactionState.IDLE) {
                throw new StepFailedException(
                        new Failure(Failure.Kind.STEP, null, "the step kept its transaction from being committed"));
            }
        } catch (SQLException e) {
            broken = true;
            throw new StepFailedException(classify(e), e);
        } catch (StepFailedException | RuntimeException | Error e) {
            broken = true;
            throw e;
        }
        String status = call.statusOf(answer);
        if (status == null) {
            broken = true;
            throw new StepFailedException(
                    new Failure(Failure.Kind.STEP, null, "the step replaced statements of its session"));
        }
        return status;
    }

    /** Gives the open transaction up. The session is closed afterwards by {@link #reset()}'s answer when that fails. */
    public void rollback() {
        if (broken) {
            return;
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("ROLLBACK");
        } catch (SQLException e) {
            // The session is thrown away, and with it the transaction: nothing is lost.
            broken = true;
        }
    }

    /** Work of ours in the session. */
    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        T with(Connection connection) throws SQLException;
    }

    /** Does work of ours, within the open transaction if there is one. */
    <T extends @Nullable Object> T perform(Work<T> work) throws StepFailedException {
        try {
            return work.with(connection);
        } catch (SQLException e) {
            broken = true;
            throw new StepFailedException(classify(e), e);
        } catch (RuntimeException | Error e) {
            broken = true;
            throw e;
        }
    }

    /** What precedes the last statement of a step's transaction. */
    String beforeCheckpoint() {
        return beforeCheckpoint;
    }

    /** Nothing that the step did has kept its transaction open. */
    void mustBeIdle() throws StepFailedException {
        if (connection.getTransactionState() != TransactionState.IDLE) {
            broken = true;
            throw new StepFailedException(
                    new Failure(Failure.Kind.STEP, null, "the step kept its transaction from being committed"));
        }
    }

    /**
     * Makes the session as new.
     *
     * @return false when that is not possible: it has to be closed
     */
    boolean reset() {
        if (broken || cancelSent) {
            return false;
        }
        try (Statement statement = connection.createStatement()) {
            if (connection.getTransactionState() != TransactionState.IDLE) {
                return false;
            }
            statement.execute(RESET);
            connection.clearWarnings();
            idleSince = System.nanoTime();
            return connection.getTransactionState() == TransactionState.IDLE;
        } catch (SQLException e) {
            // Not usable again; the caller closes it.
            return false;
        }
    }

    /** Sends the protocol's cancel request. A session that was sent one is never used again: it may arrive late. */
    public void cancel() {
        cancelSent = true;
        try {
            connection.cancelQuery();
        } catch (SQLException e) {
            // The server cannot be reached: then the statement's own connection ends as well.
            broken = true;
        }
    }

    /** Whether {@link #cancel()} was called. */
    public boolean wasCanceled() {
        return cancelSent;
    }

    long ageNanos(long now) {
        return now - openedAt;
    }

    long idleNanos(long now) {
        return now - idleSince;
    }

    private Failure classify(SQLException e) {
        Failure failure = Failure.of(e);
        if (e instanceof PSQLException ours && ours.getServerErrorMessage() != null) {
            return failure;
        }
        // pgjdbc closes a connection whose settings it cannot work with; the step is to blame, not the network.
        for (String setting : new String[] {"client_encoding", "DateStyle"}) {
            if (failure.message().contains(setting)) {
                return new Failure(Failure.Kind.STEP, failure.sqlState(), "a step cannot change " + setting);
            }
        }
        if (failure.message().contains("maxResultBuffer")) {
            return new Failure(Failure.Kind.STEP, "54000", "the result is larger than perdure.step.max-result-size");
        }
        return failure;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            // Closed by the other side already: that is what was wanted.
            broken = true;
        }
    }
}
