package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.LoginTrouble;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sessions in which steps run as their submitters. One of the engine's two ports: PostgreSQL is behind it in production, a
 * simulation in tests. Calls block; the caller holds a slot of the role already.
 */
public interface StepPort extends AutoCloseable {

    /**
     * A session of the role: an idle one, or a new one.
     *
     * @throws StepFailedException the role cannot be logged in as at this moment ({@link Failure.Kind#LOGIN}: the server refuses it,
     *     or refused it so lately that it was not asked again; {@link Failure.Kind#CONNECTION_LOST} and
     *     {@link Failure.Kind#TRANSIENT}: no connection), or no step may run as it ({@link Failure.Kind#STEP})
     */
    Session borrow(SessionPools.Key key) throws StepFailedException;

    /** Why no new session of the role can be had, since when, and when it is tried again; null when nothing is wrong. */
    default @Nullable LoginTrouble loginTrouble(SessionPools.Key key) {
        return null;
    }

    /**
     * Tells somebody when a role that was in trouble has a session to be had. Who was told {@link Failure.Kind#LOGIN} waits for
     * that, or for {@link LoginTrouble#nextTry}; asking before is answered at once and alike.
     */
    default void onSession(Consumer<SessionPools.Key> listener) {}

    /** The checkpoint of a step in another database is committed: its receipt there has served. */
    default void settled(SessionPools.Key key, Execution execution) {}

    /**
     * Deletes receipts that have served, and leftovers of earlier terms. Blocks; to be called now and then.
     *
     * @param ended which of the given instances have ended, or do not exist
     */
    default void cleanReceipts(Function<Collection<String>, Set<String>> ended) {}

    /** Closes all sessions: the idle ones now, those in use by aborting their connections. */
    @Override
    void close();

    /** A session. Used by one thread at a time; only {@link #cancel()} may be called from another. */
    interface Session {

        /** Whether each statement sees earlier commits of others, which is the default that a role can change. */
        boolean isReadCommitted();

        /**
         * Begins a transaction and runs statements in it, all of them in one round trip. Each one but the first is a step of
         * its own: the session is cleaned before it as between any two steps, and it runs behind a savepoint.
         *
         * @param statements of one or more steps, none empty; each a single statement
         * @return what the statements returned, up to the first one that failed
         */
        Executed begin(List<Statement> statements, Limits limits);

        /**
         * The same for items of one map, of one statement each: nothing is done between them, and one that fails takes all of them down. What
         * one leaves in the session the next one finds.
         */
        default Executed beginItems(List<Statement> statements, Limits limits) {
            return begin(statements, limits);
        }

        /** Runs the next step's statement in the transaction that is open, behind a savepoint. */
        Executed next(Statement statement, Limits limits);

        /**
         * Begins a transaction and writes the rows of a statement down as the items of a map, a part at a time, so that all of them are
         * never in memory. A statement that no cursor can be opened for, and a session that knows no cursors, returns its rows instead.
         *
         * @return what the statement returned, of which only the number of rows is left when they are written down
         */
        default Executed freeze(Statement statement, ItemsTarget target, Limits limits) {
            return begin(List.of(statement), limits);
        }

        /**
         * Undoes the last statement, which failed.
         *
         * @return false when the transaction cannot go on
         */
        boolean undoLast();

        /** Runs a statement outside of a transaction block. */
        Executed autocommit(Statement statement, Limits limits);

        /**
         * Writes the checkpoint in the open transaction, commits, and makes the session as new.
         *
         * @return whether the instance was found cancelled: by the step itself, or by somebody before
         * @throws StepFailedException {@link Failure.Kind#CONNECTION_LOST}: whether it was committed is unknown; otherwise it was
         *     not
         */
        boolean commit(Checkpointed checkpoint) throws StepFailedException;

        /**
         * In another database than the one that holds schema df, before a step begins: whether an earlier attempt of it was
         * committed there.
         */
        default Proof proof(Execution execution, Limits limits) throws StepFailedException {
            throw new UnsupportedOperationException();
        }

        /**
         * In another database: commits the open transaction with a receipt, which {@link #proof} finds. The checkpoint follows
         * as a write of the owner, and {@link StepPort#settled} after it.
         *
         * @return false when there is a receipt already: the transaction was rolled back
         * @throws StepFailedException as {@link #commit} does
         */
        default boolean commitElsewhere(Execution execution, Result result) throws StepFailedException {
            throw new UnsupportedOperationException();
        }

        /**
         * The same for several items of a map, of one statement each, that the transaction has worked on.
         *
         * @throws StepFailedException as {@link #commit}
         */
        default void commit(CheckpointedItems items) throws StepFailedException {
            throw new UnsupportedOperationException();
        }

        /** Gives the open transaction up. */
        void rollback();

        /** Sends the protocol's cancel request: the statement in flight fails. From any thread, at any time. */
        void cancel();

        /** Gives the session back; whatever it still holds is rolled back. To be called once, whatever happened before. */
        void giveBack();
    }

    /**
     * One activation of a step; its attempts share it.
     *
     * @param stamp of the activation
     */
    record Execution(String instance, String node, String stamp) {}

    /**
     * The record of a step in another database.
     *
     * @param earlier what it returned when it was committed there; null when it was not
     * @param atLeastOnce why there can be no receipt, so that the step may happen twice; null when there can
     */
    record Proof(@Nullable Result earlier, @Nullable String atLeastOnce) {}

    /** The place to which items of a map are written. */
    @FunctionalInterface
    interface ItemsTarget {

        /**
         * A part of the items, as it is sent.
         *
         * @param first ordinal of the first of them
         * @param rows JSON of an object with {@code rows}
         * @param total of all items, when these are the last ones
         */
        FrozenItems part(long first, @Nullable String columns, String rows, @Nullable Long total);
    }

    /**
     * Items as they are sent in the submitter's session, see {@code df.checkpoint_map}.
     *
     * @param token that authorises them
     * @param subject instance, or key of an item
     */
    record FrozenItems(
            byte[] token,
            long epoch,
            String subject,
            String node,
            String stamp,
            long first,
            @Nullable String columns,
            String rows,
            @Nullable Long total) {}

    /**
     * The limits of a step.
     *
     * @param memory grants bytes for results while they are read
     * @param joined how long a statement may run that joins a transaction; null: as long as it likes
     */
    record Limits(ResultBudget memory, @Nullable Duration joined) {}

    /** Memory for one result, as it is read. */
    @FunctionalInterface
    interface ResultBudget {
        /**
         * Takes bytes.
         *
         * @return false when they cannot be had at this moment: the statement fails with {@link Failure.Kind#NO_MEMORY}
         */
        boolean take(long bytes);

        /** Gives back bytes taken for a moment only: the rows of a result of which the document has been made. */
        default void giveBack(long bytes) {}
    }

    /**
     * The outcome of statements that were sent together.
     *
     * @param results of those that succeeded, in order
     * @param failure of the one behind them; null when all succeeded
     */
    record Executed(List<Result> results, @Nullable Failure failure) {}

    /**
     * The ends of several items of a map as they are sent in the submitter's session, see {@code df.checkpoint_items}.
     *
     * @param token that authorises them
     * @param receipt what only the function can answer to the token
     * @param map instance and map
     */
    record CheckpointedItems(byte[] token, String receipt, long epoch, String map, String done) {}

    /**
     * A checkpoint as it is sent in the submitter's session, see {@code df.checkpoint}.
     *
     * @param token that authorises it
     * @param receipt what only {@code df.checkpoint} can answer to the token
     */
    record Checkpointed(
            byte[] token,
            String receipt,
            long epoch,
            String instance,
            int version,
            String state,
            @Nullable String also) {}
}
