package dev.perdure.session;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Drops what running steps say. The driver keeps every notice until its statement ends, and a step can send them as fast
 * as the network carries them: one {@code RAISE NOTICE} in an endless loop would fill the worker's memory.
 */
final class Notices implements AutoCloseable {

    /** A server sends some ten megabytes of notices to a session in this time. */
    private static final long INTERVAL_MILLIS = 20;

    private final Set<StepSession> inUse = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor timer;

    Notices() {
        timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "perdure-notices");
            thread.setDaemon(true);
            return thread;
        });
        timer.scheduleWithFixedDelay(
                () -> inUse.forEach(StepSession::dropNotices), INTERVAL_MILLIS, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
    }

    void watch(StepSession session) {
        inUse.add(session);
    }

    void leave(StepSession session) {
        inUse.remove(session);
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
