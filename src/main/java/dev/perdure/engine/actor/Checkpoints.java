package dev.perdure.engine.actor;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.InstanceState;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import dev.perdure.store.Park;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * The checkpoints of an instance, or item: makes the next one, and knows the rows that the committed ones have left in the tables. Lives in
 * the actor's mailbox.
 */
public final class Checkpoints {

    private final InstanceActor actor;
    private final ActorContext context;
    private final Ledger ledger;
    private final Instant startedAt;
    private Park park = new Park.Unchanged();

    Checkpoints(InstanceActor actor, ActorContext context, Ledger ledger) {
        this.actor = actor;
        this.context = context;
        this.ledger = ledger;
        this.startedAt = context.clock().instant();
    }

    /** Whether nothing has been decided yet. */
    public boolean isNew() {
        return ledger.version() == 0;
    }

    /** The version that the next checkpoint takes. */
    int next() {
        return ledger.next();
    }

    // ---- the next one

    /**
     * The contents of the next checkpoint.
     *
     * @param decided in order; several when steps share a transaction
     * @param atLeastOnce nodes whose effect happened outside of a transaction, with the reason
     * @param then how the instance waits once it is committed
     */
    public CheckpointRequest draft(
            List<Checkpoint> decided, Map<String, String> atLeastOnce, InstanceState.Waiting then) {
        Park next = park(then);
        return draft(decided, atLeastOnce, next.equals(park) ? new Park.Unchanged() : next);
    }

    /** A checkpoint that takes the next version, and says nothing. */
    public CheckpointRequest claim() {
        return draft(List.of(), Map.of(), new Park.Unchanged());
    }

    private CheckpointRequest draft(List<Checkpoint> decided, Map<String, String> atLeastOnce, Park next) {
        return new CheckpointRequest(
                actor.id(),
                ledger.next(),
                decided,
                atLeastOnce,
                ledger.supersededBy(decided),
                next,
                startedAt,
                // Only the end winds it up: until then the tables must say that somebody has to.
                actor.phase() == InstanceActor.Phase.CANCELLING
                        && decided.stream().anyMatch(one -> one.end() != null),
                actor.shown().any(),
                actor.item());
    }

    private static Park park(InstanceState.Waiting waiting) {
        if (!waiting.only()) {
            return new Park.Awake();
        }
        return waiting.until() == null ? new Park.ForSignals() : new Park.Until(waiting.until());
    }

    // ---- as it is sent

    /** The next checkpoint, for the owner. */
    public Journal.Write forOwner(CheckpointRequest draft) {
        return context.codec().ofOwner(draft);
    }

    /** The next checkpoint, for the session of the step that leads to it. */
    public StepPort.Checkpointed forStep(CheckpointRequest draft) {
        return context.codec().ofStep(draft, actor.role());
    }

    /** The checkpoint of several items of a map, for one session. */
    public StepPort.CheckpointedItems forItems(List<CheckpointRequest> items) {
        return context.codec().ofItems(items, actor.role());
    }

    /** The permission to write down the items of one of its maps. */
    public StepPort.ItemsTarget itemsTarget(Activation map) {
        return context.codec().ofItems(actor.id(), map, actor.role());
    }

    // ---- what the tables say then

    /** Notes a committed checkpoint. */
    void committed(CheckpointRequest draft) {
        ledger.committed(draft.checkpoints(), draft.superseded());
        if (!(draft.park() instanceof Park.Unchanged)) {
            park = draft.park();
            if (!(park instanceof Park.Awake)) {
                actor.shown().instance(startedAt);
            }
        }
    }

    /** Notes a committed checkpoint that says nothing. */
    public void claimed(CheckpointRequest draft) {
        ledger.committed(List.of(), draft.superseded());
    }

    /** Notes the wait that the rows tell of, once the position in them is known. */
    void foundPosition(InstanceState.Waiting now) {
        if (park instanceof Park.Unchanged) {
            park = park(now);
        }
    }
}
