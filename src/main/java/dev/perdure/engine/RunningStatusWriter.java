package dev.perdure.engine;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.owner.MarkBuffer;
import dev.perdure.engine.sql.SqlExecutor;
import dev.perdure.flow.Activation;
import dev.perdure.flow.InstanceState;
import dev.perdure.store.Journal.Mark;
import java.time.Duration;

/**
 * Shows nodes as running that have been executing for a while, and why those wait that have been waiting for a while. Short steps are
 * never marked and cost no extra write.
 */
final class RunningStatusWriter implements Runnable {

    /** Of those that wait, so many with each look: there may be more than there is time to write about. */
    private static final int MOST_WAITING = 25;

    private static final int BETWEEN_LOOKS_AT_WAITING = 5;

    private final SqlExecutor executor;
    private final MarkBuffer marks;
    private final Duration after;
    private int runs;

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
                    mark(
                            self,
                            activation,
                            new Mark(self.id(), activation.nodeId(), activation.stamp(), attempt, startedAt));
                    return true;
                });
            }
        });
        if (++runs % BETWEEN_LOOKS_AT_WAITING != 0) {
            return;
        }
        executor.longWaiting(
                MOST_WAITING,
                (actor, activation, wait) -> actor.post((self, drain) -> {
                    if (self.state().isActive(activation)) {
                        self.state().shownWaiting(activation.nodeId());
                        mark(
                                self,
                                activation,
                                new Mark(self.id(), activation.nodeId(), activation.stamp(), null, null, wait));
                        self.state().shownWaiting(activation.nodeId());
                    }
                    return true;
                }));
    }

    private void mark(InstanceActor actor, Activation activation, Mark own) {
        InstanceState state = actor.state();
        if (!state.isActive(activation)) {
            return;
        }
        for (InstanceState.Unmarked node : state.runningNodes()) {
            boolean isOwn = node.nodeId().equals(activation.nodeId());
            boolean isCompound = !isOwn && !state.isActive(new Activation(node.nodeId(), node.stamp()));
            if (isOwn || isCompound) {
                marks.add(isOwn ? own : new Mark(actor.id(), node.nodeId(), node.stamp(), null, null));
                state.marked(node.nodeId(), node.stamp());
                actor.marked();
            }
        }
    }
}
