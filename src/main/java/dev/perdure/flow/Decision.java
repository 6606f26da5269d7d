package dev.perdure.flow;

import java.util.List;

/**
 * The answer to an event: rows to persist, and effects to start once they are committed. It changes nothing by itself:
 * {@link InstanceState#apply} does, after the commit was acknowledged.
 *
 * @param checkpoint what to persist; may be empty
 * @param effects what to start afterwards, in order
 * @param change how memory advances
 */
public record Decision(Checkpoint checkpoint, List<Effect> effects, StateDelta change) {

    /** Whether it registers, begins or ends undos of sagas. */
    public boolean changesUndos() {
        return !change.undos.isEmpty();
    }

    /**
     * Number of undos of sagas that end with it.
     *
     * @param well done; otherwise given up
     */
    public long undosEnded(boolean well) {
        NodeStatus status = well ? NodeStatus.COMPLETED : NodeStatus.FAILED;
        // One that need not be done has not begun.
        return change.undos.values().stream()
                .filter(undo -> undo.status() == status && undo.undoing() != null)
                .count();
    }
}
