package dev.perdure.session;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.Failure;
import dev.perdure.store.CheckpointCall;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.TimeZone;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGStatement;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;

/**
 * A session that is logged in as a submitter and runs its steps, one at a time (architecture 4). Used by one thread at
 * a time; only {@link #cancel()} may be called from another.
 *
 * <p>The life of a step: {@link #execute}, then {@link #commit} or {@link #rollback}, then {@link #reset}. Short steps
 * that follow can join the transaction by {@link #executeNext}. A session on which anything failed is closed, not reset.
 */
public final class StepSession implements AutoCloseable {

    /** Reads what a statement returned; null when it returned no rows at all (not even an empty set). */
    @FunctionalInterface
    public interface ResultReader<T> {
        T read(@Nullable ResultSet rows) throws SQLException, StepFailedException;
    }

    // In a database without our functions.
    private static final String BEFORE_CHECKPOINT =
            "SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; SET LOCAL lock_timeout = %d; ";
    // Utility statements of a database without our functions. The worker's time zone is in the startup packet (pgjdbc
    // sends it), so that RESET ALL would return to it.
    private static final String TO_UTC = isUtc() ? "" : "; SET TimeZone = 'UTC'";
    private static final String RESET_ELSEWHERE =
            "CLOSE ALL; UNLISTEN *; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DISCARD TEMP; DISCARD SEQUENCES; "
                    + "SELECT pg_catalog.pg_advisory_unlock_all()" + TO_UTC;
    // As one message of its own, so that nothing of it can be skipped by what went before, and unnamed, so that no step
    // can replace it. Its answer tells whether the calls that were prepared are still the driver's own.
    private static final String RESET = "SELECT df._reset_session()";
    private static final int BETWEEN_RESULTS = 3;

    private final PgConnection connection;
    private final boolean atHome;
    private final long lockTimeoutMillis;
    private final boolean readCommitted;
    private final long openedAt = System.nanoTime();
    private volatile long idleSince = openedAt;
    private volatile boolean cancelSent;
    private boolean broken;
    private boolean shared;
    private boolean clean;
    private volatile @Nullable Statement current;

    /**
     * Over a connection that has just been made.
     *
     * @param atHome whether it is to the database that holds schema df
     */
    StepSession(Connection connection, long lockTimeoutMillis, boolean atHome) throws SQLException {
        this.connection = connection.unwrap(PgConnection.class);
        this.atHome = atHome;
        this.lockTimeoutMillis = lockTimeoutMillis;
        try (Statement statement = connection.createStatement()) {
            if (!isUtc()) {
                statement.execute("SET TimeZone = 'UTC'");
            }
            try (ResultSet row =
                    statement.executeQuery("SELECT pg_catalog.current_setting('default_transaction_isolation')")) {
                row.next();
                readCommitted = row.getString(1).equals("read committed");
            }
        }
    }

    /**
     * A session as the worker itself, in which nothing runs that a submitter has written: for trying out what sessions of
     * steps do.
     */
    public static StepSession ofWorker(DatabaseUrl worker) throws SQLException {
        Connection connection = worker.connect(Map.of("ApplicationName", "perdure-rehearsal", "prepareThreshold", "0"));
        try {
            return new StepSession(connection, 1000, true);
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
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
        shared = false;
        return run("BEGIN READ WRITE;", 1, sql, true, reader);
    }

    /**
     * Runs the user's statement outside a transaction block. The session is not used again: no checkpoint follows that
     * would tell whether a procedure has prepared something, which no reset removes.
     */
    public <T> T executeAutocommit(String sql, ResultReader<T> reader) throws StepFailedException {
        T result = run("", 0, sql, false, reader);
        broken = true;
        return result;
    }

    /** Whether two steps can share a transaction: not where the second would see the first one's snapshot. */
    public boolean canShareTransaction() {
        return readCommitted && !broken && !cancelSent;
    }

    /**
     * Runs the next step's statement in the transaction that is open, behind a savepoint. The session is cleaned before
     * as between any two steps; what only the end of a transaction ends (locks, {@code now()}) is shared.
     *
     * <p>After a failure {@link #rollbackToLastStep()} tells whether the steps before can still be committed.
     *
     * @param timeoutMillis after which the statement is given up
     * @param lockTimeoutMillis how long it waits for a lock
     */
    public <T> T executeNext(String sql, long timeoutMillis, long lockTimeoutMillis, ResultReader<T> reader)
            throws StepFailedException {
        shared = true;
        return run(between(timeoutMillis, lockTimeoutMillis), BETWEEN_RESULTS, sql, true, reader);
    }

    /**
     * What stands between two steps of one transaction. The limits are set before the savepoint: they last until the
     * checkpoint. The identity comes first: a role that a step has changed to need not have rights in df.
     */
    private static String between(long timeoutMillis, long lockTimeoutMillis) {
        return "SET SESSION AUTHORIZATION DEFAULT; SELECT df._next_step(" + timeoutMillis + ", " + lockTimeoutMillis
                + "); SAVEPOINT perdure_step; ";
    }

    /**
     * Undoes what {@link #executeNext} did.
     *
     * @return false when the transaction cannot go on: it has ended, or what the step before left failed when it was
     *     checked
     */
    public boolean rollbackToLastStep() {
        try (Statement statement = connection.createStatement()) {
            if (connection.getTransactionState() == TransactionState.IDLE) {
                return false;
            }
            statement.execute("ROLLBACK TO SAVEPOINT perdure_step");
            return connection.getTransactionState() == TransactionState.OPEN;
        } catch (SQLException e) {
            // No such savepoint, or no connection: the transaction is given up, and its steps are run again.
            return false;
        }
    }

    private <T> T run(String prefix, int prefixResults, String sql, boolean transaction, ResultReader<T> reader)
            throws StepFailedException {
        clean = false;
        try (Statement statement = connection.createStatement()) {
            current = statement;
            statement.setEscapeProcessing(false);
            boolean rows = statement.execute(prefix + sql);
            for (int i = 0; i < prefixResults; i++) {
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
            throw new StepFailedException(Failure.ofStep(e), e);
        } catch (StepFailedException | RuntimeException | Error e) {
            broken = true;
            throw e;
        } finally {
            current = null;
        }
    }

    /**
     * Writes the checkpoint in the open transaction and commits, in one pipeline.
     *
     * @return the status of the instance as the checkpoint found or made it
     */
    public String commit(CheckpointCall call) throws StepFailedException {
        String answer = null;
        try (PreparedStatement statement = connection.prepareStatement("SELECT df._before_checkpoint(" + shared + ", "
                + lockTimeoutMillis + "); " + call.sql() + "; COMMIT")) {
            // Prepared by name once a session. A step could replace it, and gains nothing: the answer is signed.
            statement.unwrap(PGStatement.class).setPrepareThreshold(1);
            current = statement;
            call.bind(statement);
            boolean rows = statement.execute();
            while (rows || statement.getUpdateCount() != -1) {
                if (rows) {
                    ResultSet result = statement.getResultSet();
                    answer = result.next() ? result.getString(1) : null;
                }
                rows = statement.getMoreResults();
            }
            mustBeIdle();
        } catch (SQLException e) {
            broken = true;
            throw new StepFailedException(Failure.ofStep(e), e);
        } catch (StepFailedException | RuntimeException | Error e) {
            broken = true;
            throw e;
        } finally {
            current = null;
        }
        CheckpointCall.Answer read = call.read(answer);
        // A statement that stands in for the call could make the call itself, hand on its answer and take the
        // checkpoint back. So the session is reset here, before the answer is believed.
        if (read == null || !resetAndCheck(call)) {
            broken = true;
            throw new StepFailedException(
                    new Failure(Failure.Kind.STEP, null, "the step replaced statements of its session"));
        }
        // What a user prepared could stand in for a statement of ours: the session is closed.
        broken |= read.prepared();
        return read.status();
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
        clean = false;
        try {
            return work.with(connection);
        } catch (SQLException e) {
            broken = true;
            throw new StepFailedException(Failure.ofStep(e), e);
        } catch (RuntimeException | Error e) {
            broken = true;
            throw e;
        }
    }

    /**
     * Drops what a step may have prepared in a session whose commits are not {@link #commit}, which looks for it. Not undone
     * by a rollback.
     */
    public void deallocate() {
        if (broken) {
            return;
        }
        clean = false;
        try (Statement statement = connection.createStatement()) {
            statement.execute("DEALLOCATE ALL");
        } catch (SQLException e) {
            // Closed when it is given back, and with it everything that was prepared.
            broken = true;
        }
    }

    /** What precedes the last statement of a step's transaction, in any database. */
    String beforeCheckpoint() {
        return BEFORE_CHECKPOINT.formatted(lockTimeoutMillis);
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
    public boolean reset() {
        if (broken || cancelSent) {
            return false;
        }
        if (clean) {
            return true;
        }
        try {
            resetNow(null);
            return clean;
        } catch (SQLException e) {
            // Not usable again; the caller closes it.
            return false;
        }
    }

    /** Whether the call that was just answered was ours. A session that cannot be reset any more leaves that in doubt. */
    private boolean resetAndCheck(CheckpointCall call) throws StepFailedException {
        try {
            return resetNow(call);
        } catch (SQLException e) {
            broken = true;
            Failure failure = Failure.of(e);
            throw new StepFailedException(
                    new Failure(Failure.Kind.CONNECTION_LOST, failure.sqlState(), failure.message()), e);
        }
    }

    private boolean resetNow(@Nullable CheckpointCall call) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            if (connection.getTransactionState() != TransactionState.IDLE) {
                return false;
            }
            boolean rows = statement.execute(atHome ? RESET : RESET_ELSEWHERE);
            boolean ours = true;
            while (rows || statement.getUpdateCount() != -1) {
                if (rows && call != null) {
                    ResultSet row = statement.getResultSet();
                    ours = row.next() && row.getString(1).contains(call.isDocument() ? "D" : "S");
                }
                rows = statement.getMoreResults();
            }
            connection.clearWarnings();
            idleSince = System.nanoTime();
            clean = connection.getTransactionState() == TransactionState.IDLE;
            return ours;
        }
    }

    /** Forgets what the running statement has said so far ({@code RAISE NOTICE}): the driver collects all of it. */
    void dropNotices() {
        Statement running = current;
        if (running != null) {
            try {
                running.clearWarnings();
            } catch (SQLException e) {
                // It has just been closed, and with it what it had said.
                current = null;
            }
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
