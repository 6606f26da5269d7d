package dev.perdure.engine;

import dev.perdure.engine.sql.SqlExecutor;
import dev.perdure.store.Journal.Mark;
import java.time.Duration;

/**
 * Marks nodes that have executed for a while as running, and writes why others have waited for a while. Short steps are never marked and
 * cost no extra write.
 */
final class RunningStatusWriter implements Runnable {

    /** Most waiting nodes that one look writes about: there may be more than there is time for. */
    private static final int MOST_WAITING = 25;

    private static final int BETWEEN_LOOKS_AT_WAITING = 5;

    private final SqlExecutor executor;
    private final Duration after;
    private int runs;

    /**
     * A writer that writes nothing until it runs.
     *
     * @param after so long a statement executes unseen
     */
    RunningStatusWriter(SqlExecutor executor, Duration after) {
        this.executor = executor;
        this.after = after;
    }

    @Override
    public void run() {
        executor.longRunning(after, (actor, activation, startedAt, attempt) -> {
            if (!actor.isBusy()) {
                actor.post((self, drain) -> {
                    self.shown()
                            .node(
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
                        self.shown()
                                .node(
                                        activation,
                                        new Mark(self.id(), activation.nodeId(), activation.stamp(), null, null, wait));
                        self.state().shownWaiting(activation.nodeId());
                    }
                    return true;
                }));
    }
}
