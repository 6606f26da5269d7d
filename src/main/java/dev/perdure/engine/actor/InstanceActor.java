package dev.perdure.engine.actor;

import dev.perdure.database.Failure;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.flow.template.TextLimits;
import dev.perdure.graph.Graph;
import dev.perdure.session.SessionPools;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import dev.perdure.store.Park;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * An instance in memory. Messages are handled one at a time; a decision that is being written keeps the others waiting until it
 * is answered. Whatever goes wrong in between ends as a breakdown, which loads the instance again: nothing can leave it without
 * a next message.
 */
public final class InstanceActor {

    /** Where an instance stands. */
    public enum Phase {
        /** It has come into memory, and its position in its rows is not known yet. */
        LOADED,
        RUNNING,
        /** A user has cancelled it: nothing new begins, and what is left is to write how it ended. */
        CANCELLING,
        /** Its end is committed. */
        ENDED,
        /** It has left memory; the tables know more. */
        UNLOADED
    }

    /** An instance that holds so much may need much for a decision, too. */
    private static final long HEAVY = 1024 * 1024;

    private static final Duration WITHOUT_MEMORY = Duration.ofMillis(50);

    private final InstanceOrigin origin;
    private final SessionPools.Key sessions;
    private final InstanceState state;
    private final Ledger ledger;
    private final MemoryQuota.Holding memory;
    private final ActorContext context;
    private final Map<Activation, Attempt> attempts = new ConcurrentHashMap<>();
    private final Mailbox mailbox;
    private final Instant startedAt;
    private final long definitionBytes;
    private long texts;
    private volatile Phase phase = Phase.LOADED;
    private volatile boolean marked;
    private volatile boolean looking;
    private Park park;

    InstanceActor(LoadedState loaded, MemoryQuota.Holding memory, ActorContext context) {
        this.origin = loaded.origin();
        this.sessions = loaded.sessions();
        this.state = loaded.state();
        this.ledger = loaded.ledger();
        this.marked = loaded.isMarked();
        this.definitionBytes = memory.bytes();
        this.memory = memory;
        this.context = context;
        this.mailbox = new Mailbox(this, context);
        this.startedAt = context.clock().instant();
        this.park = new Park.Unchanged();
    }

    // ---- what it is

    public String id() {
        return origin.id();
    }

    public InstanceOrigin origin() {
        return origin;
    }

    public SessionPools.Key sessions() {
        return sessions;
    }

    /** Oid of the submitter. */
    public long role() {
        return sessions.roleOid();
    }

    public Phase phase() {
        return phase;
    }

    /** Whether it is in memory and has not ended. */
    public boolean isLive() {
        return phase != Phase.ENDED && phase != Phase.UNLOADED;
    }

    /** Whether anything new of it may begin. */
    public boolean mayBegin() {
        return phase == Phase.RUNNING;
    }

    /** Bytes that it holds. */
    public MemoryQuota.Holding memory() {
        return memory;
    }

    /** What is under way for its nodes. */
    public Map<Activation, Attempt> attempts() {
        return attempts;
    }

    /** The workflow, which never changes. */
    public Graph graph() {
        return state.graph();
    }

    /** Touched within the mailbox only. */
    public InstanceState state() {
        return state;
    }

    @Override
    public String toString() {
        return "instance " + id();
    }

    // ---- the mailbox

    /** Posts a message. It is handled on this thread when that may be, and nobody else is in the mailbox. */
    public void post(Message message, Lane here) {
        mailbox.post(message, here);
    }

    /** Posts a message that is handled on another thread. */
    public void post(Message message) {
        mailbox.post(message);
    }

    /** Handles this message next, in place of one that was not over when it returned, and then the others. */
    public void answer(Message message) {
        mailbox.answer(message);
    }

    /** Handles messages until there is none, or one has to wait. Called by the lanes only. */
    public void drain(Lane here) {
        mailbox.drain(here);
    }

    /** Whether a message waits or is being handled. */
    public boolean isBusy() {
        return mailbox.isBusy();
    }

    /** Somebody looks for signals for it, or does not any more. */
    public void looksForSignals(boolean now) {
        looking = now;
    }

    boolean isLookingForSignals() {
        return looking;
    }

    /** Whether something is being executed for it. */
    boolean isUnderWay() {
        return attempts.values().stream().anyMatch(Attempt::isUnderWay);
    }

    // ---- what messages do

    /** What follows from an event; nothing is changed by asking. */
    public Decision interpret(Event event) {
        return Interpreter.decide(state, event);
    }

    /**
     * Takes the memory in which a decision is made, when it may need much: results are taken apart, and texts made of them.
     *
     * <p>One at a time has it in any case: it may be what others wait for that fills the memory of their role.
     *
     * @return gives it back; null when it cannot be had now
     */
    public @Nullable Runnable takeForDecision(Event event) {
        long result =
                event instanceof Event.StepSucceeded step ? step.result().json().length() : 0;
        if (memory.bytes() < HEAVY && result < HEAVY / 4) {
            return () -> {};
        }
        long needed = Math.min(context.memory().most() / 2, 2L * TextLimits.DEFAULT.made() + 8 * result);
        if (memory.take(needed)) {
            return () -> memory.give(needed);
        }
        if (!context.memory().takeTurn()) {
            return null;
        }
        memory.force(needed);
        return () -> {
            memory.give(needed);
            context.memory().endTurn();
        };
    }

    /** Decides on an event that has no transaction of a step to share: the owner writes the checkpoint. */
    public boolean decide(Event event, Map<String, String> atLeastOnce) {
        if (!isLive()) {
            return true;
        }
        Runnable giveBack = takeForDecision(event);
        if (giveBack == null) {
            context.timers().after(WITHOUT_MEMORY, () -> answer((self, drain) -> decide(event, atLeastOnce)));
            return false;
        }
        try {
            return decideNow(event, atLeastOnce);
        } finally {
            giveBack.run();
        }
    }

    private boolean decideNow(Event event, Map<String, String> atLeastOnce) {
        Decision decision = interpret(event);
        if (decision.checkpoint().isEmpty()) {
            apply(decision, null);
            return true;
        }
        List<Checkpoint> checkpoints = List.of(decision.checkpoint());
        CheckpointRequest draft = draft(checkpoints, atLeastOnce, parkAfter(decision));
        Journal.Write write = context.codec().ofOwner(draft);
        long bytes = CheckpointSize.of(write);
        memory.force(bytes);
        context.writer()
                .write(
                        role(),
                        write,
                        outcome -> answer((self, drain) -> {
                            memory.give(bytes);
                            return written(event, decision, draft, outcome);
                        }));
        return false;
    }

    private boolean written(Event event, Decision decision, CheckpointRequest draft, Journal.Written outcome) {
        if (outcome instanceof Journal.Written.Ok) {
            committed(draft, List.of(decision), null);
            return true;
        }
        if (outcome instanceof Journal.Written.Rejected rejected) {
            context.telemetry().checkpointFailed(rejected.failure().kind());
            Event instead = Refused.instead(event, rejected.failure());
            if (instead != null) {
                return decide(instead, draft.atLeastOnce());
            }
            context.breakdowns()
                    .rejected(
                            this,
                            "its state cannot be written after "
                                    + event.getClass().getSimpleName() + ": "
                                    + rejected.failure().message());
            return true;
        }
        context.telemetry().checkpointFailed(Failure.Kind.STALE);
        context.actors().stale(this);
        return true;
    }

    /** The checkpoint of decisions that a step's session is to commit. */
    public StepPort.Checkpointed checkpoint(CheckpointRequest draft) {
        return context.codec().ofStep(draft, role());
    }

    /** What the next checkpoint says. */
    public CheckpointRequest draft(List<Checkpoint> checkpoints, Map<String, String> atLeastOnce, Park next) {
        return new CheckpointRequest(
                id(),
                ledger.next(),
                checkpoints,
                atLeastOnce,
                ledger.supersededBy(checkpoints),
                next.equals(park) ? new Park.Unchanged() : next,
                startedAt,
                // Only the end winds it up: until then the tables must say that somebody has to.
                phase == Phase.CANCELLING && checkpoints.stream().anyMatch(one -> one.end() != null),
                marked);
    }

    /** How the instance waits once a decision is committed. */
    public Park parkAfter(Decision decision) {
        return park(state.waitingAfter(decision));
    }

    /** The same of a state on which decisions were applied already. */
    public static Park park(InstanceState.Waiting waiting) {
        if (!waiting.only()) {
            return new Park.Awake();
        }
        return waiting.until() == null ? new Park.ForSignals() : new Park.Until(waiting.until());
    }

    /** A decision of the owner that takes the next version and says nothing. */
    public Journal.Write claim(CheckpointRequest draft) {
        return context.codec().ofOwner(draft);
    }

    /**
     * Decisions were committed, in one transaction: memory advances, and what they ask for is started.
     *
     * @param taken an effect that somebody has started already; null when there is none
     */
    public void committed(CheckpointRequest draft, List<Decision> decisions, @Nullable Effect taken) {
        ledger.committed(draft.checkpoints(), draft.superseded());
        if (!(draft.park() instanceof Park.Unchanged)) {
            park = draft.park();
            if (!(park instanceof Park.Awake) && !marked) {
                context.marks().accept(new Journal.Mark(id(), null, null, null, startedAt));
                marked = true;
            }
        }
        decisions.subList(0, decisions.size() - 1).forEach(state::apply);
        context.breakdowns().goesOn(id());
        apply(decisions.get(decisions.size() - 1), taken);
    }

    /** A version was taken that says nothing. */
    public void claimed(CheckpointRequest draft) {
        ledger.committed(List.of(), draft.superseded());
    }

    private void apply(Decision decision, @Nullable Effect taken) {
        state.apply(decision);
        texts = (attempts.isEmpty() ? 0 : texts) + texts(decision);
        memory.set(definitionBytes + state.resultBytes() + texts);
        if (foundPosition()) {
            if (park instanceof Park.Unchanged) {
                park = park(state.waiting());
            }
        }
        for (Effect effect : decision.effects()) {
            if (effect instanceof Effect.Interrupt interrupt) {
                interrupt(interrupt.activation());
            } else if (phase == Phase.RUNNING && effect != taken) {
                context.effects().start(this, effect);
            }
        }
        if (state.hasEnded()) {
            Checkpoint.InstanceEnd end = decision.checkpoint().end();
            if (end != null && phase == Phase.CANCELLING) {
                // However it was decided to end: the tables stay with what its user has said.
                end = new Checkpoint.InstanceEnd(Checkpoint.InstanceEnd.Status.CANCELLED, end.output());
            }
            leave(Phase.ENDED);
            context.actors().ended(this, end);
        } else {
            context.actors().rest(this);
        }
    }

    /** Bytes of long statements and requests that a decision starts. */
    private static long texts(Decision decision) {
        long chars = 0;
        for (Effect effect : decision.effects()) {
            if (effect instanceof Effect.RunSql run) {
                chars += run.statement().length();
            } else if (effect instanceof Effect.SendHttp send) {
                chars += send.request().length();
            }
        }
        return chars < HEAVY / 16 ? 0 : 4 * chars;
    }

    private synchronized boolean foundPosition() {
        boolean isFirst = phase == Phase.LOADED;
        if (isFirst) {
            phase = Phase.RUNNING;
        }
        return isFirst;
    }

    /** Ends what is under way for a node. */
    public void interrupt(Activation activation) {
        Attempt attempt = attempts.remove(activation);
        if (attempt != null) {
            attempt.interrupt();
        }
    }

    /**
     * Begins to work on what was read.
     *
     * @param cancelled the reason, when it was cancelled before: then nothing of it begins
     */
    void begin(@Nullable String cancelled) {
        if (cancelled != null) {
            synchronized (this) {
                phase = Phase.CANCELLING;
            }
        }
        post((self, drain) -> decide(new Event.Loaded(context.clock().instant()), Map.of()));
        if (cancelled != null) {
            postCancelled(cancelled);
        }
    }

    /**
     * A user has cancelled it: nothing new begins from now on, and the cancellation is decided in its turn.
     *
     * @return false when it has left memory
     */
    public boolean cancel(String reason) {
        synchronized (this) {
            if (!isLive()) {
                return false;
            }
            if (phase == Phase.CANCELLING) {
                return true;
            }
            phase = Phase.CANCELLING;
        }
        postCancelled(reason);
        return true;
    }

    /** The checkpoint that ends it has found it cancelled: by its last step, or by somebody else just before. */
    public synchronized void foundCancelled() {
        phase = Phase.CANCELLING;
    }

    private void postCancelled(String reason) {
        post((self, drain) -> decide(new Event.Cancelled(reason, context.clock().instant()), Map.of()));
    }

    /** Its rows are not what memory holds: they are read again. */
    public void readAgain() {
        context.actors().reload(this);
    }

    /** It leaves memory; the tables know where it stands. */
    void unload() {
        context.actors().unload(this);
    }

    /** It is read again; it has left memory. */
    void loadAgain() {
        context.actors().load(this);
    }

    /** It cannot go on: the owner ends it. */
    void giveUp(String why) {
        boolean isCancelled = phase == Phase.CANCELLING;
        unload();
        context.actors().end(origin, role(), ledger.next(), isCancelled, why);
    }

    /** Its rows say that it runs, so that its last checkpoint has to take the marks away. */
    public void marked() {
        marked = true;
    }

    /** Whether its rows say that it runs. */
    public boolean isMarked() {
        return marked;
    }

    /** It leaves memory: what is under way is ended, and decides nothing any more. */
    void leave(Phase how) {
        synchronized (this) {
            phase = how;
        }
        attempts.values().forEach(Attempt::interrupt);
        attempts.clear();
        memory.close();
    }
}
