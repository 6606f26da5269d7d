package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.engine.actor.Attempt;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import dev.perdure.flow.template.Statement;
import dev.perdure.step.StepPort;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** One attempt at a statement: it waits for a session, or runs in one. */
final class SqlAttempt implements Attempt {

    /**
     * The manner of an attempt: how it differs from an ordinary one.
     *
     * @param number from 1; failures that the step can cause itself count
     * @param outsideTransaction why it cannot share a transaction with its checkpoint; null when it can
     * @param isAlone whether no other step may join its transaction
     * @param memory bytes that are taken for its result before it begins; 0: as it is read
     * @param waitingSince when it began to wait for what is not its own trouble, as the monotonic source tells; null when it does not
     */
    record Manner(
            int number,
            @Nullable String outsideTransaction,
            boolean isAlone,
            long memory,
            @Nullable Long waitingSince) {

        /** An ordinary attempt. */
        static Manner of(Effect.RunSql effect) {
            return new Manner(effect.attempt() + 1, null, false, 0, null);
        }

        /** The same attempt, in a transaction of its own. */
        Manner alone() {
            return new Manner(number, outsideTransaction, true, memory, waitingSince);
        }

        /** The next attempt, after a failure that the step can have caused itself. */
        Manner next() {
            return new Manner(number + 1, outsideTransaction, true, memory, null);
        }

        Manner outsideTransaction(String why) {
            return new Manner(number, why, true, memory, null);
        }

        Manner withMemory(long bytes) {
            return new Manner(number, outsideTransaction, true, bytes, waitingSince);
        }

        Manner waiting(long since) {
            return new Manner(number, outsideTransaction, isAlone, memory, since);
        }
    }

    /** Trouble that keeps an attempt waiting and is not the step's own doing. */
    record Trouble(String reason, Instant nextTry) {}

    private final InstanceActor actor;
    private final Effect.RunSql effect;
    private final Manner manner;
    private final long queuedAt;
    private StepPort.@Nullable Session session;
    private boolean interrupted;
    private boolean hasMadeRoom;
    private MemoryQuota.@Nullable Holding reserved;
    private volatile @Nullable Instant startedAt;
    private volatile long begunAt;
    private volatile boolean hasSlot;
    private volatile boolean isOver;
    private volatile @Nullable Trouble trouble;
    private volatile boolean isWaitShown;

    SqlAttempt(InstanceActor actor, Effect.RunSql effect, Manner manner, long queuedAt) {
        this.actor = actor;
        this.effect = effect;
        this.manner = manner;
        this.queuedAt = queuedAt;
    }

    InstanceActor actor() {
        return actor;
    }

    Effect.RunSql effect() {
        return effect;
    }

    /** The text, without the values of parameters. */
    String sql() {
        return effect.sql();
    }

    Statement statement() {
        return effect.statement();
    }

    Activation activation() {
        return effect.activation();
    }

    Manner manner() {
        return manner;
    }

    /** The number of this attempt, from 1. */
    int number() {
        return manner.number();
    }

    /** Gives it memory before it begins. */
    void reserves(MemoryQuota.Holding memory) {
        reserved = memory;
    }

    /** The memory that it had before it began; null when it takes memory as it reads. */
    MemoryQuota.@Nullable Holding reserved() {
        return reserved;
    }

    /** The begin of its wait for a slot, by the monotonic source. */
    long queuedAt() {
        return queuedAt;
    }

    /** The begin of its execution, in the server's time; null while it waits. */
    @Nullable Instant startedAt() {
        return startedAt;
    }

    /** The begin of its execution, by the monotonic source. */
    long begunAt() {
        return begunAt;
    }

    void waits(Trouble reason) {
        trouble = reason;
    }

    /** The trouble that it waits out; null when it waits for a slot only. */
    @Nullable Trouble trouble() {
        return trouble;
    }

    /** Notes that its wait, with the reason, is on record. */
    void waitIsShown() {
        isWaitShown = true;
    }

    boolean isWaitShown() {
        return isWaitShown;
    }

    /** Gives it a slot. */
    void takesSlot() {
        hasSlot = true;
    }

    @Override
    public boolean isUnderWay() {
        return hasSlot;
    }

    @Override
    public boolean isOver() {
        return !hasSlot || isOver;
    }

    /** Notes that its session is given back. */
    void over() {
        isOver = true;
    }

    void begins(Instant at, long nanos) {
        startedAt = at;
        begunAt = nanos;
    }

    /** Puts it into a session, which an interruption will cancel; false when it was interrupted before. */
    synchronized boolean runsIn(StepPort.Session in) {
        session = in;
        return !interrupted;
    }

    /** Takes it out of its session: an interruption has nothing to cancel any more. */
    synchronized void leavesSession() {
        session = null;
    }

    @Override
    public synchronized void interrupt() {
        interrupted = true;
        if (session != null) {
            session.cancel();
        }
    }

    /** Sends the cancel request once more: one that reached the server before the statement did had no effect. */
    synchronized void cancelAgain() {
        if (session != null && (interrupted || hasMadeRoom)) {
            session.cancel();
        }
    }

    /** Whether {@link #makeRoom} would have something to cancel, once. */
    synchronized boolean canMakeRoom() {
        return session != null && !interrupted && !hasMadeRoom && manner.outsideTransaction() == null;
    }

    /** Cancels its statement, which will be tried again. */
    synchronized void makeRoom() {
        if (canMakeRoom()) {
            hasMadeRoom = true;
            session.cancel();
        }
    }

    /** Whether its statement was cancelled to make room. */
    synchronized boolean hasMadeRoom() {
        return hasMadeRoom;
    }

    /** Whether a failure only means that it made room. */
    boolean madeRoom(Failure failure) {
        return hasMadeRoom() && failure.kind() == Failure.Kind.CANCELED;
    }

    synchronized boolean isInterrupted() {
        return interrupted;
    }

    /** Whether its result is still wanted. */
    boolean isWanted() {
        return !isInterrupted() && actor.mayBegin(activation().nodeId());
    }

    /** The report of its end. */
    StepReport report(StepReport.Outcome outcome, @Nullable String error, Instant now) {
        InstanceOrigin origin = actor.origin();
        Instant begun = startedAt;
        return new StepReport(
                origin,
                activation().nodeId(),
                "SQL",
                number(),
                sql(),
                begun == null ? now : begun,
                now,
                outcome,
                error);
    }

    @Override
    public String toString() {
        return "instance " + actor.id() + ", node " + activation().nodeId();
    }
}
