package dev.perdure.flow;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Interrupts everything that runs below a node, and forgets it. Steps, timers and waits end as failed; compound nodes keep their rows,
 * except a loop at the very top that is in its first round.
 *
 * @param before the state that it is taken on
 */
record Interruption(DecisionBuilder decision, CheckpointBuilder draft, InstanceState before, String reason) {

    /**
     * Interrupts everything below the node.
     *
     * @param loopError what the row of a loop at the top says; null when it too keeps its row
     */
    void below(String rootId, @Nullable String loopError) {
        Running top = decision.running(rootId);
        if (top != null && loopError != null && decision.rule(rootId).recordsInterruption()) {
            loop(rootId, top, loopError);
        }
        // What is below looks at the frames of what is above.
        List<String> closing = new ArrayList<>();
        Deque<String> open = new ArrayDeque<>();
        open.push(rootId);
        while (!open.isEmpty()) {
            String id = open.pop();
            Running run = decision.running(id);
            if (run != null) {
                if (run.isWaitedFor()) {
                    leaf(id, run);
                } else if (isOverOrInSlot(run) && !hasEnded(id, run)) {
                    if (run.phase() == Running.Phase.IN_SLOT) {
                        draft.endMap(new Activation(id, run.stamp()));
                    }
                    String known =
                            decision.rule(id).bindings(run, decision.frames().get(run.frameRoot()));
                    draft.canceled(id, run.stamp(), "canceled: " + reason, reason, run.startedAt(), known);
                }
                if (run.phase() == Running.Phase.UNDOING) {
                    // It never goes on. What is being undone does: it has no place in the tree.
                    if (!hasEnded(id, run)) {
                        draft.canceled(id, run.stamp(), "canceled: " + reason, reason, run.startedAt(), null);
                    }
                    decision.graph().children(id).stream()
                            .filter(child -> !decision.compensation().isUndo(child))
                            .forEach(open::push);
                }
                if (run.hasChildren()) {
                    decision.graph().children(id).forEach(open::push);
                }
                decision.forget(id);
            }
            closing.add(id);
        }
        closing.forEach(decision.frames()::close);
    }

    private static boolean isOverOrInSlot(Running run) {
        return run.phase() == Running.Phase.OVER || run.phase() == Running.Phase.IN_SLOT;
    }

    /** Whether it had ended before a crash, and was entered again only to find out what interrupts it now. */
    private boolean hasEnded(String id, Running run) {
        NodeRecord row = decision.recorded(id);
        return row != null && row.status().isTerminal() && run.stamp().equals(row.stamp());
    }

    private void loop(String id, Running run, String error) {
        Running known = before.running(id);
        boolean isNew = !decision.hasFound(id, run.stamp())
                && (known == null || !known.stamp().equals(run.stamp()))
                && !draft.isRecordedRunning(id, run.stamp());
        boolean isFirstRound = decision.frames().get(id).stamp().generation() == 1;
        if (run.phase() == Running.Phase.COMPOUND && isFirstRound && !isNew) {
            draft.canceled(id, run.stamp(), error, reason, run.startedAt(), null);
        }
    }

    private void leaf(String id, Running run) {
        Activation activation = new Activation(id, run.stamp());
        boolean isMap = decision.rule(id).hasItems();
        if (isMap) {
            // Whether this term has begun with it or not: items of an earlier one may be in flight.
            draft.endMap(activation);
        }
        boolean isNew = draft.takeBack(activation);
        if (isNew && hasEnded(id, run)) {
            return;
        }
        // One that is entered again after a crash may have begun before.
        if (isNew && !isMap && !decision.hasFound(id, run.stamp()) && !draft.isRecordedRunning(id, run.stamp())) {
            return;
        }
        String bindings =
                decision.frames().isOpen(id) ? decision.frames().get(id).bindings() : null;
        String why = decision.rule(id).interrupted(reason);
        draft.canceled(id, run.stamp(), "canceled: " + why, why, run.startedAt(), bindings);
        if (!isNew) {
            draft.start(new Effect.Interrupt(activation, reason));
        }
    }
}
