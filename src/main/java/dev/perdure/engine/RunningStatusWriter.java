package dev.perdure.engine;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.owner.MarkBuffer;
import dev.perdure.engine.sql.SqlExecutor;
import dev.perdure.flow.Activation;
import dev.perdure.flow.InstanceState;
import dev.perdure.store.Journal.Mark;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Shows nodes as running that have been executing for a while. Short steps are never marked and cost no extra write. */
final class RunningStatusWriter implements Runnable {

    private final SqlExecutor executor;
    private final MarkBuffer marks;
    private final Duration after;

    /**
     * Writes nothing until it runs.
     *
     * @param after so long a statement executes unseen
     */
    RunningStatusWriter(SqlExecutor executor, MarkBuffer marks, Duration after) {
        this.executor = executor;
        this.marks = marks;
        this.after = after;
    }

    @Override
    public void run() {
        executor.longRunning(after, (actor, activation, startedAt, attempt) -> {
            if (!actor.isBusy()) {
                actor.post((self, drain) -> {
                    mark(self, activation, startedAt, attempt);
                    return true;
                });
            }
        });
    }

    private void mark(InstanceActor actor, Activation activation, @Nullable Instant startedAt, int attempt) {
        InstanceState state = actor.state();
        if (!state.isActive(activation)) {
            return;
        }
        for (InstanceState.Unmarked node : state.runningNodes()) {
            boolean isOwn = node.nodeId().equals(activation.nodeId());
            boolean isCompound = !isOwn && !state.isActive(new Activation(node.nodeId(), node.stamp()));
            if (isOwn || isCompound) {
                marks.add(new Mark(
                        actor.id(), node.nodeId(), node.stamp(), isOwn ? attempt : null, isOwn ? startedAt : null));
                state.marked(node.nodeId(), node.stamp());
                actor.marked();
            }
        }
    }
}
