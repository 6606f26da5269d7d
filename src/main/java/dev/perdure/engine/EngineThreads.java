package dev.perdure.engine;

import dev.perdure.database.DatabaseThreads;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Lane;
import dev.perdure.engine.actor.Lanes;
import dev.perdure.engine.actor.TimerPort;
import dev.perdure.engine.queue.FairQueue;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * The threads of one term: one for the owner's loop, a few for decisions, one for each session in use, one for timers. Work that is left
 * when the term ends is dropped.
 */
final class EngineThreads implements Lanes, TimerPort, AutoCloseable {

    private static final Logger LOG = Logger.getLogger(EngineThreads.class);
    private static final int DECIDERS = 4;
    private static final int HELPERS = 4;

    private final ExecutorService owner;
    private final ThreadPoolExecutor sessions;
    private final ThreadPoolExecutor deciders;
    private final ThreadPoolExecutor helpers;
    private final ScheduledThreadPoolExecutor timer;
    private final FairQueue<InstanceActor> decisions = new FairQueue<>(FairQueue.Limits.of(DECIDERS));

    private final Consumer<String> stepDown;

    /** @param stepDown ends the term, with the reason */
    EngineThreads(DatabaseThreads threads, Consumer<String> stepDown) {
        this.stepDown = stepDown;
        this.owner = Executors.newSingleThreadExecutor(threads.daemons("perdure-owner"));
        this.sessions = new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                10,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                threads.daemons("perdure-session"));
        this.deciders = pool(DECIDERS, threads.daemons("perdure-decide"));
        this.helpers = pool(HELPERS, threads.daemons("perdure-http"));
        this.timer = new ScheduledThreadPoolExecutor(1, threads.daemons("perdure-timer"));
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    private static ThreadPoolExecutor pool(int size, ThreadFactory threads) {
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(size, size, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Runs the turns of the owner's loop, one after the other. */
    void owner(Runnable turn) {
        execute(owner, turn);
    }

    /** Handles HTTP answers. */
    void helper(Runnable work) {
        execute(helpers, work);
    }

    @Override
    public void onSessionThread(Runnable work) {
        execute(sessions, work);
    }

    @Override
    public void drain(InstanceActor actor, Lane lane) {
        if (lane == Lane.SESSIONS) {
            onSessionThread(() -> actor.drain(Lane.SESSIONS));
            return;
        }
        decisions.add(actor.role(), actor.instance(), actor);
        pump();
    }

    private void pump() {
        for (InstanceActor next = decisions.poll(); next != null; next = decisions.poll()) {
            InstanceActor actor = next;
            execute(deciders, () -> {
                try {
                    actor.drain(Lane.DECISIONS);
                } finally {
                    decisions.release(actor.role());
                    pump();
                }
            });
        }
    }

    @Override
    public Cancellation after(Duration time, Runnable task) {
        try {
            ScheduledFuture<?> future =
                    timer.schedule(() -> guarded(task), Math.max(0, time.toNanos()), TimeUnit.NANOSECONDS);
            return () -> future.cancel(false);
        } catch (RejectedExecutionException e) {
            LOG.trace("A timer of a term that is over is dropped");
            return () -> {};
        }
    }

    /** Runs a task again and again, whatever it throws. */
    void every(Duration time, Runnable task) {
        timer.scheduleWithFixedDelay(() -> guarded(task), time.toNanos(), time.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.error("A task of the engine failed", e);
        } catch (Error e) {
            LOG.error("A task of the engine failed", e);
            stepDown.accept("a task of the engine failed: " + e);
        }
    }

    private void execute(ExecutorService executor, Runnable work) {
        try {
            executor.execute(() -> guarded(work));
        } catch (RejectedExecutionException e) {
            LOG.trace("Work of a term that is over is dropped");
        }
    }

    /** Begins no more work; running work goes on. */
    @Override
    public void close() {
        timer.shutdownNow();
        decisions.close();
        owner.shutdown();
        deciders.shutdown();
        helpers.shutdown();
        sessions.shutdown();
    }

    /** Waits for the threads that use sessions. */
    void awaitSessions(Duration most) {
        try {
            if (!sessions.awaitTermination(most.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.debug("Threads of sessions have not ended yet");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
