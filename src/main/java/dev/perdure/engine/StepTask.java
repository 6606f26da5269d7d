package dev.perdure.engine;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import dev.perdure.session.StepSession;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** One step that is to be executed, or is being executed. */
final class StepTask {

    private final LiveInstance instance;
    private final Effect.RunSql effect;
    private final int attempt;
    private final @Nullable String outsideTransaction;
    private final boolean alone;
    private final AtomicBoolean slotHeld = new AtomicBoolean();
    private @Nullable StepSession session;
    private volatile @Nullable Instant startedAt;
    private volatile long begunAt;
    private volatile long queuedAt;
    private boolean interrupted;

    StepTask(LiveInstance instance, Effect.RunSql effect, int attempt) {
        this(instance, effect, attempt, null, false);
    }

    private StepTask(
            LiveInstance instance,
            Effect.RunSql effect,
            int attempt,
            @Nullable String outsideTransaction,
            boolean alone) {
        this.instance = instance;
        this.effect = effect;
        this.attempt = attempt;
        this.outsideTransaction = outsideTransaction;
        this.alone = alone;
    }

    /** The same step once more. */
    StepTask again(int nextAttempt) {
        return new StepTask(instance, effect, nextAttempt, outsideTransaction, alone);
    }

    /** The same step outside a transaction block, and why. */
    StepTask outsideTransaction(String reason) {
        return new StepTask(instance, effect, attempt, reason, true);
    }

    /** The same step, in a transaction that no other joins. */
    StepTask alone() {
        return new StepTask(instance, effect, attempt, outsideTransaction, true);
    }

    /** Whether no other step may join its transaction. */
    boolean isAlone() {
        return alone;
    }

    /** Why the statement cannot share a transaction with its checkpoint; null when it can. */
    @Nullable String outsideTransaction() {
        return outsideTransaction;
    }

    /** The step entered the queue, at this {@link System#nanoTime()}. */
    void queuedAt(long nanoTime) {
        queuedAt = nanoTime;
    }

    long queuedAt() {
        return queuedAt;
    }

    /** The queue gave the step a slot. */
    void slotTaken() {
        slotHeld.set(true);
    }

    /** Whether there is a slot to give back; true once only. */
    boolean giveSlotBack() {
        return slotHeld.compareAndSet(true, false);
    }

    LiveInstance instance() {
        return instance;
    }

    Activation activation() {
        return effect.activation();
    }

    Effect.RunSql effect() {
        return effect;
    }

    /** Which attempt this is, from 1. */
    int attempt() {
        return attempt;
    }

    /**
     * What is told of this attempt once it has ended.
     *
     * @param error null when it completed
     */
    StepReport report(StepReport.Outcome outcome, @Nullable String error, Instant now) {
        Instant began = startedAt;
        return new StepReport(
                instance.origin(),
                activation().nodeId(),
                "SQL",
                attempt,
                effect.sql(),
                began == null ? now : began,
                now,
                outcome,
                error);
    }

    /** When execution began; null while the step waits for a session. */
    @Nullable Instant startedAt() {
        return startedAt;
    }

    /** When execution began, as {@link System#nanoTime()}. */
    long begunAt() {
        return begunAt;
    }

    void started(Instant now) {
        startedAt = now;
        begunAt = System.nanoTime();
    }

    /**
     * The step now runs in the session, which an interruption will cancel.
     *
     * @return false when the step was interrupted before
     */
    synchronized boolean runsIn(StepSession in) {
        session = in;
        return !interrupted;
    }

    /** From now on an interruption has nothing to cancel: the session serves something else. */
    synchronized void leavesSession() {
        session = null;
    }

    /** The step is not wanted any more; a statement in flight is cancelled. */
    synchronized void interrupt() {
        interrupted = true;
        if (session != null) {
            session.cancel();
        }
    }

    synchronized boolean isInterrupted() {
        return interrupted;
    }

    @Override
    public String toString() {
        return "instance " + instance.id() + ", node " + activation().nodeId();
    }
}
