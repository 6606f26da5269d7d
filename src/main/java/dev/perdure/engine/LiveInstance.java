package dev.perdure.engine;

import dev.perdure.flow.Activation;
import dev.perdure.flow.InstanceState;
import dev.perdure.session.SessionPools;
import dev.perdure.store.Candidate;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * An instance in memory. Decisions are taken one at a time, in turns: whoever posts a turn while none is running runs it
 * at once, in its own thread; otherwise it waits, and the thread that posted it is free.
 */
final class LiveInstance {

    /** One decision and its commit. */
    @FunctionalInterface
    interface Turn {
        /**
         * Runs in the order of posting, never two at a time for one instance.
         *
         * @return whether the turn is over; if not, somebody calls {@link LiveInstance#resume()} later
         */
        boolean run();
    }

    private final InstanceOrigin origin;
    private final InstanceState state;
    private final SessionPools.Key sessions;
    private final AtomicReference<BiConsumer<LiveInstance, Throwable>> onBreakdown = new AtomicReference<>();
    private final Map<Activation, StepTask> steps = new ConcurrentHashMap<>();
    private final Map<Activation, RequestTask> requests = new ConcurrentHashMap<>();
    private final Map<Activation, ScheduledFuture<?>> timers = new ConcurrentHashMap<>();
    private final Deque<Turn> turns = new ArrayDeque<>();
    private boolean inTurn;
    private volatile boolean gone;
    private volatile boolean cancelled;
    private volatile boolean windingUp;

    LiveInstance(InstanceOrigin origin, InstanceState state, SessionPools.Key sessions) {
        this.origin = origin;
        this.state = state;
        this.sessions = sessions;
    }

    String id() {
        return origin.id();
    }

    InstanceOrigin origin() {
        return origin;
    }

    /** Touched in turns only. */
    InstanceState state() {
        return state;
    }

    SessionPools.Key sessions() {
        return sessions;
    }

    /** As what it is loaded again. */
    Candidate candidate() {
        return new Candidate(id(), sessions.roleOid());
    }

    String role() {
        return origin.role();
    }

    /** Steps that wait or run, by activation. */
    Map<Activation, StepTask> steps() {
        return steps;
    }

    /** HTTP requests that wait or are under way, by activation. */
    Map<Activation, RequestTask> requests() {
        return requests;
    }

    /** Timers that are set, by activation. */
    Map<Activation, ScheduledFuture<?>> timers() {
        return timers;
    }

    /** Posts a turn, and runs it now if the instance is free. */
    void post(Turn turn) {
        synchronized (turns) {
            turns.add(turn);
            if (inTurn) {
                return;
            }
            inTurn = true;
        }
        resume();
    }

    /** Who is told when a turn breaks down. Set before the first turn is posted. */
    void onBreakdown(BiConsumer<LiveInstance, Throwable> listener) {
        onBreakdown.set(listener);
    }

    /** Goes on after a turn that was not over when it returned. */
    void resume() {
        LogFields.with(id(), null, () -> {
            for (Turn turn = next(); turn != null && isOver(turn); turn = next()) {}
        });
    }

    private boolean isOver(Turn turn) {
        try {
            return turn.run();
        } catch (RuntimeException | Error e) {
            onBreakdown.get().accept(this, e);
            return true;
        }
    }

    private @Nullable Turn next() {
        synchronized (turns) {
            Turn turn = turns.poll();
            if (turn == null) {
                inTurn = false;
            }
            return turn;
        }
    }

    /** Whether turns wait or run. */
    boolean isBusy() {
        synchronized (turns) {
            return inTurn;
        }
    }

    /** The instance left memory: what is still under way for it must not be decided here. */
    boolean isGone() {
        return gone;
    }

    void leave() {
        gone = true;
        steps.values().forEach(StepTask::interrupt);
        requests.values().forEach(RequestTask::interrupt);
        timers.values().forEach(timer -> timer.cancel(false));
        timers.clear();
    }

    /** A commit or a poll has found it cancelled: nothing new is started. */
    boolean isCancelled() {
        return cancelled;
    }

    void foundCancelled() {
        cancelled = true;
    }

    /** The cancellation was posted as an event, which interrupts what runs and writes how the instance ended. */
    boolean isWindingUp() {
        return windingUp;
    }

    void windsUp() {
        cancelled = true;
        windingUp = true;
    }
}
