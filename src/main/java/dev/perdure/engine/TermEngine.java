package dev.perdure.engine;

import dev.perdure.session.SessionPools;
import dev.perdure.step.SqlStep;
import dev.perdure.step.http.HttpStep;
import dev.perdure.store.InstanceStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;

/**
 * The engine of one term of leadership. All memory and all sessions belong to the term: when it ends they are dropped,
 * and the next one begins from the tables.
 */
public final class TermEngine implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(TermEngine.class);
    private static final int DECIDERS = 4;

    private final EngineSettings settings;
    private final InstanceStore store;
    private final SessionPools pools;
    private final LiveInstances live;
    private final StepQueue queue;
    private final ExecutorService deciders;
    private final ScheduledExecutorService scheduler;
    private final CheckpointWriter writer;
    private final RunningMarks marks;
    private final Intake intake;
    private final EngineStatistics statistics;
    private final List<Thread> runners = new ArrayList<>();
    private final StepRunner runner;
    private final Requests requests;
    private final QueueLimit queueLimit;

    /**
     * @param http sends the requests of HTTP steps; ends with the term
     * @param stepDown called when the term turns out to be over, or cannot go on
     */
    public TermEngine(
            EngineSettings settings,
            InstanceStore store,
            SessionPools pools,
            HttpStep http,
            Clock clock,
            EngineStatistics statistics,
            Runnable stepDown) {
        this.settings = settings;
        this.store = store;
        this.pools = pools;
        this.statistics = statistics;
        this.live = new LiveInstances(settings.maxLoaded(), this::wake);
        this.queue = new StepQueue(settings.maxSteps(), settings.maxStepsPerRole());
        // What is answered after the end of the term is nobody's business any more.
        ThreadPoolExecutor.DiscardPolicy discard = new ThreadPoolExecutor.DiscardPolicy();
        this.deciders = new ThreadPoolExecutor(
                DECIDERS,
                DECIDERS,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                threads("perdure-decide"),
                discard);
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, threads("perdure-timer"));
        timer.setRemoveOnCancelPolicy(true);
        timer.setRejectedExecutionHandler(discard);
        this.scheduler = timer;
        this.writer = new CheckpointWriter(store, deciders, scheduler, stepDown);
        Set<StepTask> executing = ConcurrentHashMap.newKeySet();
        this.marks = new RunningMarks(store, live, executing, clock, settings.markRunningAfter(), deciders, stepDown);
        TermContext context = new TermContext(
                store,
                pools,
                live,
                queue,
                executing,
                writer,
                new SqlStep(settings.maxResultSize()),
                deciders,
                scheduler,
                clock,
                settings,
                statistics,
                stepDown);
        Turns turns = new Turns(context);
        this.intake = new Intake(context, turns);
        turns.loader(intake);
        this.requests = new Requests(context, turns, http);
        turns.requests(requests);
        this.runner = new StepRunner(context, turns);
        this.queueLimit = new QueueLimit(queue, new StepTroubles(context, turns), settings);
    }

    /** Begins to work. */
    public void start() {
        for (int i = 0; i < settings.maxSteps(); i++) {
            Thread thread = new Thread(runner, "perdure-step-" + i);
            thread.setDaemon(true);
            runners.add(thread);
            thread.start();
        }
        intake.start();
        long every = Math.max(20, settings.markRunningAfter().toMillis() / 2);
        scheduler.scheduleWithFixedDelay(() -> deciders.execute(marks), every, every, TimeUnit.MILLISECONDS);
        if (!settings.acquireTimeout().isZero()) {
            long look = queueLimit.everyMillis();
            scheduler.scheduleWithFixedDelay(() -> deciders.execute(queueLimit), look, look, TimeUnit.MILLISECONDS);
        }
        scheduler.scheduleWithFixedDelay(pools::closeExpired, 5, 5, TimeUnit.SECONDS);
        ReceiptUpkeep receipts = new ReceiptUpkeep(pools.receipts(), store);
        scheduler.scheduleWithFixedDelay(() -> deciders.execute(receipts), 1, 1, TimeUnit.SECONDS);
        statistics.watch(live, queue, pools, requests);
    }

    /** There may be something new in the tables. Does not block. */
    public void wake() {
        intake.wake();
    }

    /** Whether the loop still turns. */
    public boolean isAlive() {
        return intake.isAlive();
    }

    /**
     * Ends the work of the term: nothing of it is begun any more when this returns. What the owner's sessions are still
     * writing then is what the next term waits for before it begins.
     *
     * @param orderly let steps that run end first, for up to the grace period
     */
    public void stop(boolean orderly) {
        intake.stop();
        queue.close();
        requests.close();
        if (orderly) {
            awaitSteps();
        }
        live.all().forEach(LiveInstance::leave);
        writer.close();
        scheduler.shutdownNow();
    }

    /** Gives back what the term had, after {@link #stop}. */
    @Override
    public void close() {
        for (Thread thread : runners) {
            join(thread, 2000);
        }
        deciders.shutdown();
        requests.end();
        pools.close();
        store.close();
        statistics.forget();
    }

    private void awaitSteps() {
        long deadline = System.nanoTime() + settings.grace().toNanos();
        while (queue.inUse() + requests.inUse() > 0 && System.nanoTime() < deadline) {
            try {
                TimeUnit.MILLISECONDS.sleep(5);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        if (queue.inUse() > 0) {
            LOG.warnf(
                    "%d steps did not end within the grace period; they are rolled back and run again elsewhere",
                    queue.inUse());
        }
        if (requests.inUse() > 0) {
            LOG.warnf(
                    "%d HTTP requests did not end within the grace period; they are sent again, with the same"
                            + " Idempotency-Key",
                    requests.inUse());
        }
    }

    private static void join(Thread thread, long millis) {
        try {
            thread.join(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static ThreadFactory threads(String name) {
        AtomicInteger number = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + number.getAndIncrement());
            thread.setDaemon(true);
            return thread;
        };
    }
}
