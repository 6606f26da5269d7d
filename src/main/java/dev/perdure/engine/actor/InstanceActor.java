package dev.perdure.engine.actor;

import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.graph.Graph;
import dev.perdure.session.SessionPools;
import dev.perdure.store.CheckpointRequest;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * An instance in memory. Messages are handled one at a time; a decision that is being written keeps the others waiting until it is
 * answered. Any exception in between ends as a breakdown, which loads the instance again: nothing can leave it without a next message.
 */
public final class InstanceActor {

    /** The phases of an instance in memory. */
    public enum Phase {
        /** In memory; its position in its rows is not known yet. */
        LOADED,
        RUNNING,
        /** Cancelled by a user: only undos begin, and then its end is written. */
        CANCELLING,
        /** Over: its end is committed. */
        ENDED,
        /** Out of memory; the tables know more. */
        UNLOADED
    }

    private final InstanceOrigin origin;
    private final Home home;
    private final CheckpointRequest.@Nullable Item item;
    private final String id;
    private final SessionPools.Key sessions;
    private final InstanceState state;
    private final MemoryQuota.Holding memory;
    private final ActorContext context;
    private final Map<Activation, Attempt> attempts = new ConcurrentHashMap<>();
    private final Mailbox mailbox;
    private final long definitionBytes;
    private long texts;
    private volatile Phase phase = Phase.LOADED;
    private final Shown shown;
    private final Checkpoints checkpoints;
    private volatile boolean looking;

    InstanceActor(LoadedState loaded, MemoryQuota.Holding memory, ActorContext context) {
        this.origin = loaded.origin();
        this.home = loaded.home();
        this.item = loaded.item();
        this.id = item == null ? origin.id() : item.key().text();
        this.sessions = loaded.sessions();
        this.state = loaded.state();
        this.shown = new Shown(this, context, loaded.isMarked());
        // What was taken to read it is for the state, too, which counts by itself from now on.
        this.definitionBytes = Math.min(loaded.definitionBytes(), memory.bytes());
        this.memory = memory;
        this.context = context;
        this.mailbox = new Mailbox(this, context);
        this.checkpoints = new Checkpoints(this, context, loaded.ledger());
    }

    // ---- what it is

    /** The instance's, or an item's key. */
    public String id() {
        return id;
    }

    /** The id of the instance that it is, or belongs to. */
    public String instance() {
        return origin.id();
    }

    /** Its place in a map; null for an instance. */
    public CheckpointRequest.@Nullable Item item() {
        return item;
    }

    /** Its origin, which reads it again. */
    public Home home() {
        return home;
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

    /** Whether nodes of it may begin. */
    public boolean mayBegin() {
        return phase == Phase.RUNNING;
    }

    /** Whether a node of it may begin: once it is cancelled, only undos. */
    public boolean mayBegin(String nodeId) {
        Phase now = phase;
        return now == Phase.RUNNING || now == Phase.CANCELLING && graph().isInUndo(nodeId);
    }

    /** The memory that it holds. */
    public MemoryQuota.Holding memory() {
        return memory;
    }

    /** The attempts under way, by activation. */
    public Map<Activation, Attempt> attempts() {
        return attempts;
    }

    /** The workflow, which never changes. */
    public Graph graph() {
        return state.graph();
    }

    /** Its position. Touched within the mailbox only. */
    public InstanceState state() {
        return state;
    }

    @Override
    public String toString() {
        return "instance " + id();
    }

    // ---- the mailbox

    /** Posts a message. This thread handles it if it may, and if no other thread is in the mailbox. */
    public void post(Message message, Lane here) {
        mailbox.post(message, here);
    }

    /** Posts a message that is handled on another thread. */
    public void post(Message message) {
        mailbox.post(message);
    }

    /** Handles this message next, as the answer to one that was not over when it returned, and then the others. */
    public void answer(Message message) {
        mailbox.answer(message);
    }

    /** Handles messages until there is none, or one has to wait. Called by the lanes only. */
    public void drain(Lane here) {
        mailbox.drain(here);
    }

    /** Drops the messages in its mailbox, since it has left memory and no thread may look there again. */
    void clearMailbox() {
        mailbox.clear();
    }

    /** Whether a message waits or is being handled. */
    public boolean isBusy() {
        return mailbox.isBusy();
    }

    /** Notes that a look for its signals is under way, or over. */
    public void looksForSignals(boolean now) {
        looking = now;
    }

    boolean isLookingForSignals() {
        return looking;
    }

    /** Whether an attempt of it is being executed. */
    boolean isUnderWay() {
        return attempts.values().stream().anyMatch(Attempt::isUnderWay);
    }

    // ---- what messages do

    /** The decision on an event; asking changes nothing. */
    public Decision interpret(Event event) {
        return Interpreter.decide(state, event);
    }

    /**
     * Takes the memory in which a decision is made.
     *
     * @return gives it back; null when it cannot be had now
     */
    public @Nullable Runnable takeForDecision(Event event) {
        return DecisionMemory.take(memory, context.memory(), event);
    }

    /** Decides on an event that has no transaction of a step to share: the owner writes the checkpoint. */
    public boolean decide(Event event, Map<String, String> atLeastOnce) {
        return new OwnerDecision(this, context, event, atLeastOnce).take();
    }

    /** Its checkpoints: the next one, and those in the tables. */
    public Checkpoints checkpoints() {
        return checkpoints;
    }

    /**
     * Applies decisions that one transaction has committed: memory advances, and their effects are started.
     *
     * @param taken an effect that somebody has started already; null when there is none
     */
    public void committed(CheckpointRequest draft, List<Decision> decisions, @Nullable Effect taken) {
        checkpoints.committed(draft);
        decisions.subList(0, decisions.size() - 1).forEach(this::advance);
        context.breakdowns().goesOn(id());
        apply(decisions.get(decisions.size() - 1), taken);
    }

    private void advance(Decision decision) {
        state.apply(decision);
        if (decision.changesUndos()) {
            context.telemetry().undosEnded(decision.undosEnded(true), true);
            context.telemetry().undosEnded(decision.undosEnded(false), false);
        }
    }

    /**
     * Applies one decision: memory advances, and its effects are started.
     *
     * @param taken see {@link #committed}
     */
    void apply(Decision decision, @Nullable Effect taken) {
        advance(decision);
        texts = (attempts.isEmpty() ? 0 : texts) + DecisionMemory.ofTexts(decision);
        memory.set(definitionBytes + state.resultBytes() + texts);
        if (foundPosition()) {
            checkpoints.foundPosition(state.waiting());
        }
        for (Effect effect : decision.effects()) {
            if (effect instanceof Effect.Interrupt interrupt) {
                interrupt(interrupt.activation());
            } else if (effect != taken && mayBegin(effect.activation().nodeId())) {
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
            if (!decision.checkpoint().endedMaps().isEmpty()) {
                context.actors().slotMayBeFree(this);
            }
            context.actors().rest(this);
        }
    }

    private synchronized boolean foundPosition() {
        boolean isFirst = phase == Phase.LOADED;
        if (isFirst) {
            phase = Phase.RUNNING;
        }
        return isFirst;
    }

    /** Interrupts the attempt of a node. */
    public void interrupt(Activation activation) {
        Attempt attempt = attempts.remove(activation);
        if (attempt != null) {
            attempt.interrupt();
        }
    }

    /**
     * Begins to work on an instance that was read.
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
     * Cancels it: nothing new begins from now on, and the cancellation is decided in its turn.
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

    /** Notes that the checkpoint that ends it has found it cancelled: by its last step, or just before. */
    public synchronized void foundCancelled() {
        phase = Phase.CANCELLING;
    }

    private void postCancelled(String reason) {
        post(new Message() {
            @Override
            public boolean handle(InstanceActor self, Drain drain) {
                return decide(new Event.Cancelled(reason, context.clock().instant()), Map.of());
            }

            @Override
            public void dropped() {
                // It was just leaving memory, to wait outside: nobody would look for it before the next term.
                loadAgain();
            }
        });
    }

    /** Reads it again: its rows differ from memory. */
    public void readAgain() {
        context.actors().reload(this);
    }

    /** Leaves memory; the tables know its position. */
    void unload() {
        context.actors().unload(this);
    }

    /** Asks for it to be read again, after it has left memory. */
    void loadAgain() {
        home.load(this, 0);
    }

    /** Gives it up: the owner ends it, since it cannot go on. */
    void giveUp(String why) {
        boolean isCancelled = phase == Phase.CANCELLING;
        unload();
        context.ends()
                .write(
                        new EndWriter.Ending(id, role(), item, end -> home.ended(this, end), this::loadAgain),
                        checkpoints.next(),
                        isCancelled,
                        why);
    }

    /** The status that rows show of it while it lasts. */
    public Shown shown() {
        return shown;
    }

    /** Interrupts its attempts, which decide nothing any more, and gives its memory back. */
    void leave(Phase how) {
        synchronized (this) {
            phase = how;
        }
        attempts.values().forEach(Attempt::interrupt);
        attempts.clear();
        memory.close();
    }
}
