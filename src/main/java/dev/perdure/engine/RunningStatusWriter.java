package dev.perdure.engine;

import dev.perdure.engine.sql.SqlExecutor;
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
    private final Duration after;
    private int runs;

    /**
     * Writes nothing until it runs.
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
