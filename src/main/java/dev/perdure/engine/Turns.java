package dev.perdure.engine;

import dev.perdure.database.Failure;
import dev.perdure.database.LogText;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.store.Candidate;
import dev.perdure.store.InstanceStore.OwnerCheckpoint;
import dev.perdure.store.InstanceStore.Written;
import dev.perdure.store.LoadedInstance;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The turns of instances: an event goes to the interpreter, its checkpoint is committed, memory advances, effects start.
 * Whatever goes wrong in memory ends in dropping it and loading the instance again.
 */
final class Turns {

    private static final Logger LOG = Logger.getLogger(Turns.class);
    private static final int MAX_BREAKDOWNS = 3;
    private static final long LOOK_AT_CLOCK_MILLIS = 5000;

    private final TermContext context;
    private final Admission admission = new Admission();
    private final Map<String, Integer> breakdowns = new ConcurrentHashMap<>();
    private final SignalDelivery signals;
    private @Nullable Intake loader;
    private @Nullable Requests requests;

    Turns(TermContext context) {
        this.context = context;
        this.signals = new SignalDelivery(context, this, this::load);
    }

    /** What brings signals to waits. */
    SignalDelivery signals() {
        return signals;
    }

    void loader(Intake intake) {
        this.loader = intake;
    }

    void requests(Requests sender) {
        this.requests = sender;
    }

    /** An instance was loaded: it enters memory and finds its position, or fails at once. */
    void begin(LoadedInstance loaded) {
        boolean cancelled = loaded.status().equals("cancelled");
        if (!cancelled && !loaded.status().equals("running")) {
            return;
        }
        LiveInstance instance;
        try {
            instance = admission.admit(loaded);
        } catch (Admission.RefusedException e) {
            refuse(loaded.id(), cancelled, String.valueOf(e.getMessage()));
            return;
        } catch (RuntimeException | StackOverflowError e) {
            // Rows that nobody foresaw must not keep the others of the same load from beginning.
            LogFields.with(
                    loaded.id(), null, () -> LOG.errorf(e, "Instance %s: its state cannot be read", loaded.id()));
            unreadable(
                    new Candidate(loaded.id(), loaded.submitter().oid()), cancelled, "its state cannot be read: " + e);
            return;
        }
        if (!context.live().add(instance)) {
            return;
        }
        instance.onBreakdown((broken, failure) -> {
            LOG.errorf(failure, "Instance %s: a turn failed", broken.id());
            breakDown(broken, "internal error: " + failure);
        });
        if (cancelled) {
            instance.windsUp();
        }
        instance.post(() -> decide(instance, new Event.Loaded(now())));
        if (cancelled) {
            String reason = loaded.cancelReason() == null ? "Cancelled by user" : loaded.cancelReason();
            instance.post(() -> decide(instance, new Event.Cancelled(reason, now())));
        }
    }

    private void refuse(String id, boolean cancelled, String message) {
        LogFields.with(id, null, () -> {
            LOG.warnf("Instance %s fails: %s", id, LogText.of(message));
        });
        Checkpoint.InstanceEnd end = new Checkpoint.InstanceEnd(
                cancelled ? Checkpoint.InstanceEnd.Status.CANCELLED : Checkpoint.InstanceEnd.Status.FAILED, message);
        context.writer()
                .write(
                        new OwnerCheckpoint(id, new Checkpoint(List.of(), null, end), Map.of()),
                        written -> context.statistics().instanceEnded(end.status()));
    }

    /** The instance was cancelled by its owner. */
    void cancel(LiveInstance instance, String reason) {
        instance.windsUp();
        instance.post(() -> decide(instance, new Event.Cancelled(reason, now())));
    }

    /** Decides on an event that has no transaction of a step to share; the owner writes the checkpoint. */
    boolean decide(LiveInstance instance, Event event) {
        return decide(instance, event, Map.of());
    }

    /**
     * The same.
     *
     * @param atLeastOnce nodes whose effect happened outside a transaction, with the reason
     */
    boolean decide(LiveInstance instance, Event event, Map<String, String> atLeastOnce) {
        if (instance.isGone()) {
            return true;
        }
        Decision decision = interpret(instance, event);
        if (decision == null) {
            return true;
        }
        if (decision.checkpoint().isEmpty()) {
            advance(instance, decision);
            return true;
        }
        context.writer().write(new OwnerCheckpoint(instance.id(), decision.checkpoint(), atLeastOnce), written -> {
            LogFields.with(instance.id(), null, () -> {
                written(instance, event, decision, written);
            });
            instance.resume();
        });
        return false;
    }

    private void written(LiveInstance instance, Event event, Decision decision, Written written) {
        if (instance.isGone()) {
            return;
        }
        Failure failure = written.failure();
        if (failure == null) {
            committed(instance, decision, String.valueOf(written.status()));
            return;
        }
        context.statistics().checkpointFailed(failure.kind());
        if (failure.kind() == Failure.Kind.STALE) {
            loadAgain(instance);
        } else {
            // The rows cannot take what was decided (a value out of jsonb's range, say).
            breakDown(
                    instance,
                    "its state cannot be written after " + event.getClass().getSimpleName() + ": " + failure.message());
        }
    }

    /** The interpreter's decision, or null when it broke down: then the instance has left memory. */
    @Nullable Decision interpret(LiveInstance instance, Event event) {
        try {
            return Interpreter.decide(instance.state(), event);
        } catch (RuntimeException | StackOverflowError e) {
            // Not the event itself, which has the result of a step in it.
            LOG.errorf(
                    e,
                    "Instance %s: the decision on %s failed",
                    instance.id(),
                    event.getClass().getSimpleName());
            breakDown(instance, "internal error: " + e);
            return null;
        }
    }

    /** A checkpoint was committed. */
    void committed(LiveInstance instance, Decision decision, String status) {
        if (status.equals("cancelled")) {
            // The poll for cancelled instances will tell why; nothing new begins.
            instance.foundCancelled();
        }
        advance(instance, decision);
    }

    private void advance(LiveInstance instance, Decision decision) {
        InstanceState state = instance.state();
        state.apply(decision);
        for (Effect effect : decision.effects()) {
            if (effect instanceof Effect.Interrupt interrupt) {
                interrupt(instance, interrupt.activation());
            } else if (!instance.isCancelled()) {
                start(instance, effect);
            }
        }
        if (state.hasEnded()) {
            ended(instance, decision);
        } else {
            rest(instance);
        }
    }

    /** Lets an instance leave memory that has nothing to do for a while. In a turn. */
    void rest(LiveInstance instance) {
        if (!instance.isGone() && !instance.isCancelled() && canWaitOutside(instance)) {
            context.live().remove(instance);
            // The horizon may have moved since it was asked for, and who moved it has seen the instance still here.
            if (loader != null && !isBeyond(loader.horizon(), instance.state().earliestWake())) {
                load(instance);
            }
        }
    }

    private static boolean isBeyond(Instant horizon, @Nullable Instant wake) {
        return wake == null || wake.isAfter(horizon);
    }

    private boolean canWaitOutside(LiveInstance instance) {
        InstanceState state = instance.state();
        if (loader == null || !state.isOnlyWaiting() || !isBeyond(loader.horizon(), state.earliestWake())) {
            return false;
        }
        // A signal may come at any time: it is answered faster from memory, as long as there is room.
        return state.signalWaits().isEmpty()
                || context.live().isCrowded(instance.sessions().roleOid()) && !signals.isLooking(instance);
    }

    private void ended(LiveInstance instance, Decision decision) {
        context.live().remove(instance);
        breakdowns.remove(instance.id());
        Checkpoint.InstanceEnd end = decision.checkpoint().end();
        if (end != null) {
            context.statistics().instanceEnded(instance.origin(), end, now());
        }
        if (end != null && end.status() == Checkpoint.InstanceEnd.Status.FAILED) {
            LOG.infof("Instance %s failed: %s", instance.id(), LogText.of(end.output()));
        } else if (end != null && LOG.isDebugEnabled()) {
            LOG.debugf("Instance %s %s", instance.id(), end.status().name().toLowerCase(java.util.Locale.ROOT));
        }
    }

    private void start(LiveInstance instance, Effect effect) {
        Activation activation = effect.activation();
        if (effect instanceof Effect.RunSql run) {
            enqueue(new StepTask(instance, run, run.attempt() + 1));
        } else if (effect instanceof Effect.SendHttp send && requests != null) {
            requests.add(new RequestTask(instance, send));
        } else if (effect instanceof Effect.StartTimer timer) {
            startTimer(
                    instance,
                    activation,
                    timer.at(),
                    () -> instance.post(() -> decide(instance, new Event.TimerFired(activation, now()))));
        } else if (effect instanceof Effect.AwaitSignal wait) {
            signals.look(instance, wait.name());
            if (wait.deadline() != null) {
                startTimer(
                        instance,
                        activation,
                        wait.deadline(),
                        () -> signals.lookLast(instance, wait.name(), activation));
            }
        } else {
            throw new IllegalStateException("Unknown effect " + effect);
        }
    }

    /** A step has ended well; its checkpoint is committed. */
    void completed(StepTask task) {
        context.statistics().stepEnded(task.report(StepReport.Outcome.COMPLETED, null, now()));
    }

    private void startTimer(LiveInstance instance, Activation activation, Instant at, Runnable fired) {
        instance.timers().put(activation, timer(instance, activation, at, fired));
    }

    /** Looks at the clock again after a while: it may have been set, and a machine may have been asleep. */
    private ScheduledFuture<?> timer(LiveInstance instance, Activation activation, Instant at, Runnable fired) {
        long millis = Math.max(0, Duration.between(now(), at).toMillis());
        if (millis > LOOK_AT_CLOCK_MILLIS) {
            Runnable look = () -> instance.timers()
                    .computeIfPresent(activation, (same, old) -> timer(instance, activation, at, fired));
            return context.scheduler().schedule(look, LOOK_AT_CLOCK_MILLIS, TimeUnit.MILLISECONDS);
        }
        Runnable fire = () -> context.deciders().execute(() -> {
            instance.timers().remove(activation);
            fired.run();
        });
        return context.scheduler().schedule(fire, millis, TimeUnit.MILLISECONDS);
    }

    /** Puts a step into the queue. */
    void enqueue(StepTask task) {
        task.instance().steps().put(task.activation(), task);
        context.queue().add(task);
    }

    private static void interrupt(LiveInstance instance, Activation activation) {
        StepTask task = instance.steps().remove(activation);
        if (task != null) {
            task.interrupt();
        }
        RequestTask request = instance.requests().remove(activation);
        if (request != null) {
            request.interrupt();
        }
        ScheduledFuture<?> timer = instance.timers().remove(activation);
        if (timer != null) {
            timer.cancel(false);
        }
    }

    /** Memory and tables disagree: the tables are right. */
    void loadAgain(LiveInstance instance) {
        LogFields.with(instance.id(), null, () -> {
            LOG.debugf("Instance %s: memory was stale, loading it again", instance.id());
        });
        context.live().remove(instance);
        load(instance);
    }

    private void load(LiveInstance instance) {
        load(instance.candidate());
    }

    private void load(Candidate candidate) {
        if (loader != null) {
            loader.reload(candidate);
        }
    }

    /** Something of ours failed for this instance: load it again, and give it up after a few times. */
    void breakDown(LiveInstance instance, String why) {
        context.live().remove(instance);
        unreadable(instance.candidate(), instance.isWindingUp(), why);
    }

    /** Loads an instance again that is not in memory, and gives it up after a few times. */
    private void unreadable(Candidate candidate, boolean cancelled, String why) {
        String id = candidate.id();
        int times = breakdowns.merge(id, 1, Integer::sum);
        if (times < MAX_BREAKDOWNS) {
            load(candidate);
            return;
        }
        breakdowns.remove(id);
        refuse(id, cancelled, "Instance " + id + " was given up after " + times + " attempts: " + why);
    }

    Instant now() {
        return context.clock().instant();
    }
}
