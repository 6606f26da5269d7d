package dev.perdure.engine;

import java.time.Duration;

/** Fails steps that have waited for a slot for too long (specification 4.6); only where a limit is set. */
final class QueueLimit implements Runnable {

    /** too_many_connections */
    private static final String SQLSTATE = "53300";

    private final StepQueue queue;
    private final StepTroubles troubles;
    private final Duration limit;
    private final String message;

    QueueLimit(StepQueue queue, StepTroubles troubles, EngineSettings settings) {
        this.queue = queue;
        this.troubles = troubles;
        this.limit = settings.acquireTimeout();
        this.message = "pg_durable: connection limit reached (max_user_connections=" + settings.maxSteps()
                + "). Timed out after " + limit.toSeconds() + "s waiting for an available execution slot.";
    }

    /** How often to look, in milliseconds. */
    long everyMillis() {
        return Math.max(50, Math.min(1000, limit.toMillis() / 4));
    }

    @Override
    public void run() {
        for (StepTask task : queue.removeWaitingFor(limit.toNanos())) {
            if (!task.isInterrupted() && !task.instance().isGone()) {
                troubles.fail(task, message, SQLSTATE);
            }
        }
    }
}
