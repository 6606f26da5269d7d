package dev.perdure.session;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** The threads that try refused logins again: a few, since each attempt can take as long as a login may. */
final class LoginThreads implements RoleLogins.Timer {

    private static final Logger LOG = Logger.getLogger(LoginThreads.class);
    private static final int THREADS = 4;

    private final ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(THREADS, task -> {
        Thread thread = new Thread(task, "perdure-logins");
        thread.setDaemon(true);
        return thread;
    });

    @Override
    public void after(Duration pause, Runnable task) {
        try {
            threads.schedule(task, pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("No login is tried again: the term is over");
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
