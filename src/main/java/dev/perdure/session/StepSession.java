package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.session.wire.Command;
import dev.perdure.session.wire.Grant;
import dev.perdure.session.wire.Replies;
import dev.perdure.session.wire.Reply;
import dev.perdure.session.wire.Wire;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.TransactionState;

/**
 * A session that is logged in as a submitter and runs its steps, one at a time (architecture 4). Used by one thread at
 * a time; only {@link #cancel()} and {@link #abort()} may be called from another.
 *
 * <p>The life of a step: {@link #begin}, then {@link #commit} or {@link #rollback}, which leave the session as new. Short
 * steps that follow can join the transaction, by {@code begin} or {@link #next}. A session that was sent a cancel request, or
 * whose connection is gone, is closed and not used again.
 */
public final class StepSession implements AutoCloseable {

    private static final int TERMINATE_SECONDS = 5;

    private final Wire wire;
    private final int backend;
    private final StepMessages messages;
    private final boolean readCommitted;
    private final long openedAt = System.nanoTime();
    private volatile long idleSince = openedAt;
    private volatile boolean cancelSent;
    private volatile long cancelledAt;
    private volatile boolean broken;
    /** Number of statements behind a savepoint in the open transaction, including one that has just failed. */
    private int joined;

    /** The number of the first statement of the last call; the first one of the transaction has none to go back to. */
    private int lastBegan;

    private int failedAt = -1;
    private boolean clean = true;

    /**
     * A session over a new connection, whose time zone is UTC.
     *
     * @param backend the server's process, as the server itself says
     * @param messages in the database that the session is in
     * @param readCommitted whether each statement sees what was committed before it
     */
    StepSession(Wire wire, int backend, StepMessages messages, boolean readCommitted) {
        this.wire = wire;
        this.backend = backend;
        this.messages = messages;
        this.readCommitted = readCommitted;
    }

    /**
     * The outcome of statements of steps.
     *
     * @param replies to those that succeeded, in order
     * @param failure of the one behind them; null when all succeeded
     * @param failed its number, from 0; -1 when a statement of an earlier call fails now that it is checked
     */
    public record Ran(List<Reply> replies, @Nullable Failure failure, int failed) {}

    /**
     * Begins a transaction and runs statements of one or more steps in it. The transaction stays open.
     *
     * @param joinedMillis after which a statement that is not the first one is given up; 0: never
     * @param maxBytes of the rows of one statement
     */
    public Ran begin(List<Command> statements, long joinedMillis, Grant grant, long maxBytes) {
        joined = 0;
        StepPlan plan = messages.begin(statements.get(0));
        List<Command> rest = statements.subList(1, statements.size());
        return run(plan, rest, joinedMillis, grant, maxBytes);
    }

    /** Does the same with statements that belong together: none of them can be undone by itself. */
    public Ran beginItems(List<Command> statements, long joinedMillis, Grant grant, long maxBytes) {
        joined = 0;
        StepPlan plan = messages.beginItems(statements, joinedMillis);
        Ran ran = run(plan, List.of(), joinedMillis, grant, maxBytes);
        failedAt = -1;
        return ran;
    }

    /** Begins a transaction that may only read, and runs a statement in it. The transaction stays open. */
    public Ran look(Command statement, Grant grant, long maxBytes) {
        joined = 0;
        return run(messages.look(statement), List.of(), 0, grant, maxBytes);
    }

    /** Runs the next step's statement in the transaction that is open, behind a savepoint. */
    public Ran next(Command statement, long joinedMillis, Grant grant, long maxBytes) {
        return run(messages.plan(), List.of(statement), joinedMillis, grant, maxBytes);
    }

    /**
     * Runs the next statement of the step that began the transaction.
     *
     * @param before what is ours, and sent first
     * @param next the statement; null when there is none any more
     */
    public Ran goOn(List<Command> before, @Nullable Command next, Grant grant, long maxBytes) {
        StepPlan plan = messages.plan();
        before.forEach(command -> plan.ours(command, 0));
        if (next != null) {
            plan.statement(next);
        }
        Ran ran = run(plan, List.of(), 0, grant, maxBytes);
        // Nothing of it can be undone by itself.
        failedAt = -1;
        return ran;
    }

    private Ran run(StepPlan plan, List<Command> rest, long joinedMillis, Grant grant, long maxBytes) {
        clean = false;
        failedAt = -1;
        int first = joined;
        for (Command statement : rest) {
            joined++;
            messages.join(plan, joined, statement, joinedMillis);
        }
        Ran ran = plan.send(wire, grant, maxBytes);
        if (ran.failure() == null && wire.state() != TransactionState.OPEN) {
            broken = true;
            return new Ran(List.of(), stepFault("the statement ended or began a transaction by itself"), -1);
        }
        broken |= ran.failure() != null && ran.failure().kind() == Failure.Kind.CONNECTION_LOST;
        lastBegan = plan.beginsTransaction() ? 0 : first + 1;
        if (ran.failure() != null && ran.failed() >= 0) {
            failed(ran.failed());
        }
        return ran;
    }

    /**
     * Fails a statement of the last call whose result cannot be used, and the statements behind it.
     *
     * @param statement its number in that call, from 0
     */
    public void failed(int statement) {
        failedAt = lastBegan + statement;
    }

    /**
     * Undoes the last statement, which failed, and those behind it.
     *
     * @return false when the transaction cannot go on: it was the first one, or there is no connection
     */
    public boolean undoLast() {
        if (failedAt < 1 || wire.isClosed() || wire.state() == TransactionState.IDLE) {
            return false;
        }
        Replies replies = wire.send(List.of(messages.undo(failedAt)));
        joined = failedAt - 1;
        failedAt = -1;
        return replies.failure() == null && wire.state() == TransactionState.OPEN;
    }

    /**
     * Runs the user's statement outside a transaction block. The session is not used again: no checkpoint follows that
     * would tell whether a procedure has prepared something, which no reset removes.
     */
    public Ran autocommit(Command statement, Grant grant, long maxBytes) {
        clean = false;
        lastBegan = 0;
        failedAt = -1;
        wire.send(List.of(messages.markOutside()));
        Ran ran = messages.alone(statement).send(wire, grant, maxBytes);
        broken = true;
        if (ran.failure() == null && wire.state() != TransactionState.IDLE) {
            return new Ran(List.of(), stepFault("the statement ended or began a transaction by itself"), 0);
        }
        return ran;
    }

    /**
     * Writes the checkpoint in the open transaction, commits, and makes the session as new, in one message.
     *
     * @param receipt that the call has to answer
     * @return whether the call said that the instance is cancelled
     */
    public boolean commit(Command checkpoint, String receipt) throws StepFailedException {
        clean = false;
        Replies replies = wire.send(messages.commit(checkpoint));
        CommitReplies read = CommitReplies.read(replies, receipt, wire);
        if (read.failure() != null) {
            throw new StepFailedException(read.failure());
        }
        wasReset(replies.failure() == null);
        return read.isCancelled();
    }

    /** Gives the open transaction up, and makes the session as new. */
    public void rollback() {
        if (isUsable()) {
            wasReset(wire.send(messages.rollback()).failure() == null);
        }
    }

    /**
     * Resets the session, unless it is reset already.
     *
     * @return false when that is not possible: it has to be closed
     */
    public boolean reset() {
        if (isUsable() && !clean) {
            if (wire.state() == TransactionState.IDLE) {
                wasReset(wire.send(messages.renew()).failure() == null);
            } else {
                rollback();
            }
        }
        return isUsable() && clean;
    }

    private void wasReset(boolean done) {
        clean = done && wire.state() == TransactionState.IDLE;
        broken |= !clean;
        joined = 0;
        failedAt = -1;
        idleSince = System.nanoTime();
    }

    private boolean isUsable() {
        return !broken && !cancelSent && !wire.isClosed();
    }

    /** Work of the worker itself in the session. */
    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        T with(Connection connection) throws SQLException;
    }

    /** Runs work of the worker itself, within the open transaction if there is one. */
    <T extends @Nullable Object> T perform(Work<T> work) throws StepFailedException {
        clean = false;
        wire.sends();
        try {
            return work.with(wire.connection());
        } catch (SQLException e) {
            broken = true;
            throw new StepFailedException(Failure.ofStep(e), e);
        } catch (RuntimeException | Error e) {
            broken = true;
            throw e;
        } finally {
            wire.answered();
        }
    }

    /** The name of the role that is logged in. */
    public String role() {
        return wire.connection().getQueryExecutor().getUser();
    }

    /** The driver's connection, for queries about a result while its transaction is open. */
    public Connection connection() {
        return wire.connection();
    }

    /** Whether the server waits for the next statement of an open transaction that has not failed. */
    public boolean isOpen() {
        return !wire.isClosed() && wire.state() == TransactionState.OPEN;
    }

    /** The commands before the last statement of a step's transaction, in any database. */
    String beforeCheckpoint() {
        return messages.beforeCheckpointElsewhere();
    }

    /** Fails when the step has kept its transaction open. */
    void mustBeIdle() throws StepFailedException {
        if (wire.state() != TransactionState.IDLE) {
            broken = true;
            throw new StepFailedException(stepFault("the step kept its transaction from being committed"));
        }
    }

    /** Whether each statement sees earlier commits of others. */
    public boolean isReadCommitted() {
        return readCommitted;
    }

    /** Sends the protocol's cancel request. A session that was sent one is never used again: it may arrive late. */
    public void cancel() {
        if (!cancelSent) {
            cancelledAt = System.nanoTime();
            cancelSent = true;
        }
        try {
            wire.connection().cancelQuery();
        } catch (SQLException e) {
            // The server cannot be reached: then the statement's own connection ends as well.
            broken = true;
        }
    }

    /** Whether {@link #cancel()} was called. */
    public boolean wasCanceled() {
        return cancelSent;
    }

    /** Breaks the connection, whatever is under way. From any thread. */
    void abort() {
        broken = true;
        try {
            wire.connection().abort(Runnable::run);
        } catch (SQLException e) {
            // Gone already: that is what was wanted.
            broken = true;
        }
    }

    /** Ends another session of the same role. */
    void terminate(int pid) throws SQLException {
        try (PreparedStatement terminate =
                wire.connection().prepareStatement("SELECT pg_catalog.pg_terminate_backend(?)")) {
            terminate.setInt(1, pid);
            terminate.setQueryTimeout(TERMINATE_SECONDS);
            terminate.executeQuery().close();
        }
    }

    /** The server's process. */
    int backend() {
        return backend;
    }

    /** The time since the session began to wait for an answer; negative when it waits for none. From any thread. */
    long waitsNanos(long now) {
        return wire.waitsNanos(now);
    }

    /** The time for which its statement has gone on since it was cancelled; negative when it was not, or has ended. From any thread. */
    long sinceCancelNanos(long now) {
        return cancelSent && wire.waitsNanos(now) >= 0 ? now - cancelledAt : -1;
    }

    /** Gives its statement as much time again. */
    void restartCancelGrace(long now) {
        cancelledAt = now;
    }

    long ageNanos(long now) {
        return now - openedAt;
    }

    long idleNanos(long now) {
        return now - idleSince;
    }

    private static Failure stepFault(String message) {
        return new Failure(Failure.Kind.STEP, null, message);
    }

    @Override
    public void close() {
        try {
            wire.connection().close();
        } catch (SQLException e) {
            // Closed by the other side already: that is what was wanted.
            broken = true;
        }
    }
}
