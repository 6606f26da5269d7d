package dev.perdure.engine.actor;

import dev.perdure.flow.Activation;
import dev.perdure.flow.InstanceState;
import dev.perdure.store.Journal.Mark;
import java.time.Instant;

/**
 * The status that rows show of an instance, or item, while it lasts: it runs, and so do some of its nodes. Lives in the actor's mailbox.
 */
public final class Shown {

    private final InstanceActor actor;
    private final ActorContext context;
    private volatile boolean any;

    /** @param any whether rows say something of it already */
    Shown(InstanceActor actor, ActorContext context, boolean any) {
        this.actor = actor;
        this.context = context;
        this.any = any;
    }

    /** Whether rows say that it runs: its last checkpoint has to remove them. */
    public boolean any() {
        return any;
    }

    /** Shows that the instance runs, since a time. An item has no row for that. */
    public void instance(Instant since) {
        if (!any && actor.item() == null) {
            context.marks().accept(new Mark(actor.id(), null, null, null, since));
            any = true;
        }
    }

    /**
     * Shows a node that takes long, and the nodes around it, as running. Does nothing when it has ended meanwhile.
     *
     * @param mark what is said of the node
     */
    public void node(Activation activation, Mark mark) {
        InstanceState state = actor.state();
        if (!state.isActive(activation)) {
            return;
        }
        for (InstanceState.Unmarked node : state.runningNodes()) {
            boolean isOwn = node.nodeId().equals(activation.nodeId());
            if (isOwn || !state.isActive(new Activation(node.nodeId(), node.stamp()))) {
                context.marks().accept(isOwn ? mark : new Mark(actor.id(), node.nodeId(), node.stamp(), null, null));
                written(new Activation(node.nodeId(), node.stamp()));
            }
        }
    }

    /** Shows a node as running since a time. */
    public void node(Activation activation, Instant since) {
        node(activation, new Mark(actor.id(), activation.nodeId(), activation.stamp(), null, since));
    }

    /** Notes that a node's row says that it runs. */
    public void written(Activation activation) {
        any = true;
        actor.state().marked(activation.nodeId(), activation.stamp());
    }
}
