package dev.perdure.flow;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Interrupts whatever runs below a node, and forgets it. Steps, timers and waits end as failed; compound nodes keep their
 * rows, except a loop at the very top that is in its first round.
 *
 * @param before the state that it is taken on
 */
record Interruption(DecisionBuilder decision, CheckpointBuilder draft, InstanceState before, String reason) {

    /**
     * Interrupts what runs.
     *
     * @param loopError what the row of a loop at the top says; null when it too keeps its row
     */
    void below(String rootId, @Nullable String loopError) {
        Running top = decision.running(rootId);
        if (top != null && loopError != null && decision.rule(rootId).recordsInterruption()) {
            loop(rootId, top, loopError);
        }
        Deque<String> open = new ArrayDeque<>();
        open.push(rootId);
        while (!open.isEmpty()) {
            String id = open.pop();
            Running run = decision.running(id);
            if (run != null) {
                if (run.isWaitedFor()) {
                    leaf(id, run);
                } else if (run.phase() == Running.Phase.COMPOUND) {
                    decision.graph().children(id).forEach(open::push);
                }
                decision.forget(id);
            }
            decision.close(id);
        }
    }

    private void loop(String id, Running run, String error) {
        Running known = before.running(id);
        boolean isNew =
                (known == null || !known.stamp().equals(run.stamp())) && !draft.isRecordedRunning(id, run.stamp());
        boolean isFirstRound = decision.frame(id).stamp().generation() == 1;
        if (run.phase() == Running.Phase.COMPOUND && isFirstRound && !isNew) {
            draft.canceled(id, run.stamp(), error, reason, run.startedAt(), null);
        }
    }

    private void leaf(String id, Running run) {
        Activation activation = new Activation(id, run.stamp());
        boolean isNew = draft.takeBack(activation);
        if (isNew && !draft.isRecordedRunning(id, run.stamp())) {
            return;
        }
        String bindings = decision.isOpen(id) ? decision.frame(id).bindings() : null;
        draft.canceled(id, run.stamp(), "canceled: " + reason, reason, run.startedAt(), bindings);
        if (!isNew) {
            draft.start(new Effect.Interrupt(activation, reason));
        }
    }
}
