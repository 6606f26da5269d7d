package dev.perdure.engine;

import dev.perdure.database.Failure;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Decision;
import dev.perdure.store.CheckpointCall;
import dev.perdure.store.Term;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps of one instance whose statements succeeded in one transaction, with what was decided on each: mostly one. */
final class StepChain {

    /**
     * The step that was to be the next, and was undone.
     *
     * @param failure why; null when it has to be run in a transaction of its own to know
     */
    record Undone(StepTask task, @Nullable Failure failure) {}

    private final List<StepTask> tasks = new ArrayList<>(4);
    private final List<Decision> decisions = new ArrayList<>(4);
    private @Nullable Undone undone;

    StepChain(StepTask first, Decision decision) {
        add(first, decision);
    }

    void add(StepTask task, Decision decision) {
        tasks.add(task);
        decisions.add(decision);
    }

    void undone(StepTask task, @Nullable Failure failure) {
        undone = new Undone(task, failure);
    }

    @Nullable Undone undone() {
        return undone;
    }

    /** The step that began the transaction; it holds the slot. */
    StepTask first() {
        return tasks.get(0);
    }

    Decision last() {
        return decisions.get(decisions.size() - 1);
    }

    int size() {
        return tasks.size();
    }

    List<StepTask> tasks() {
        return tasks;
    }

    List<Decision> decisions() {
        return decisions;
    }

    /** The checkpoint of them all. */
    CheckpointCall call(Term term, String instance) {
        if (tasks.size() == 1) {
            return CheckpointCall.of(term, instance, first().activation().nodeId(), last().checkpoint());
        }
        List<Checkpoint> checkpoints =
                decisions.stream().map(Decision::checkpoint).toList();
        return CheckpointCall.ofChain(term, instance, checkpoints);
    }
}
