package dev.perdure.engine;

import dev.perdure.store.Candidate;
import dev.perdure.store.InstanceStore;
import dev.perdure.store.LoadedInstance;
import dev.perdure.store.RunningInstance;
import io.vertx.core.Future;
import io.vertx.pgclient.PgException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Brings instances into memory: those that were started, those that an earlier term left running, those with a timer that
 * comes near, those that were cancelled, and those whose memory turned out to be stale. One thread, so that one load is
 * under way at a time.
 */
final class Intake implements Runnable {

    private static final Logger LOG = Logger.getLogger(Intake.class);
    private static final int PAGE = 50;
    private static final int ID_PAGE = 1000;
    private static final int MAX_NODES = 50_000;
    private static final int CANCEL_BATCH = 500;
    private static final int SIGNAL_BATCH = 1000;
    /** In one look; more would keep other work waiting. */
    private static final int SIGNAL_BATCHES = 5;

    private static final long ANSWER_SECONDS = 30;
    private static final long POLL_WITHOUT_NOTIFY_MILLIS = 50;
    private static final long POLL_WITHOUT_ROOM_MILLIS = 50;
    private static final double BUSY_PER_SECOND = 200;
    /** A busy worker looks for new instances more often than for what concerns old ones. */
    private static final long MESSAGES_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final TermContext context;
    private final Turns turns;
    private final Thread thread = new Thread(this, "perdure-intake");
    private final Semaphore wakeUp = new Semaphore(0);
    /** Instances with a timer before the horizon, the earliest first. */
    private final IdQueue due = new IdQueue();

    private final IdQueue toLoad = new IdQueue();
    /** Instances that an earlier term left. */
    private final IdQueue left = new IdQueue();
    /** Those of them that sleep, as far as their rows tell: they are loaded when the others are. */
    private final IdQueue leftAsleep = new IdQueue();

    private volatile boolean stopped;
    private volatile Instant horizon = Instant.EPOCH;
    /** How far the ids of what an earlier term left are known; null when all are. */
    private @Nullable RunningInstance knownUpTo = RunningInstance.FIRST;
    /** The last look took as many as it could: there may be more. */
    private boolean limited;
    /** How many that go on the last look has loaded. */
    private int wentOn;
    /** An answer of {@link #signals} may have been lost, and with it who has to look. */
    private boolean signalsMissed;

    /** The last look ended before all new signals were seen. */
    private boolean moreSignals;

    /** When cancellations and signals were looked for, as {@link System#nanoTime()}. */
    private long messagesAt = System.nanoTime() - MESSAGES_NANOS;

    private final Arrivals arrivals;
    /** What the tables say; null while unknown. */
    private @Nullable Boolean idle;

    Intake(TermContext context, Turns turns) {
        this.context = context;
        this.turns = turns;
        this.arrivals = new Arrivals(context.settings().idleAfter());
    }

    void start() {
        horizon = context.clock().instant().plus(context.settings().timerWindow());
        thread.setDaemon(true);
        thread.start();
    }

    void stop() {
        stopped = true;
        thread.interrupt();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(ANSWER_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    boolean isAlive() {
        return thread.isAlive();
    }

    void wake() {
        wakeUp.release();
    }

    /** Loads an instance again whose memory was dropped. */
    void reload(Candidate candidate) {
        toLoad.add(candidate);
        wake();
    }

    /** Timers up to this time are in memory; an instance that only waits for later ones can leave it. */
    Instant horizon() {
        return horizon;
    }

    @Override
    public void run() {
        long failures = 0;
        while (!stopped) {
            try {
                int taken = look();
                failures = 0;
                rest(taken);
            } catch (InterruptedException e) {
                return;
            } catch (ExecutionException | TimeoutException e) {
                if (e.getCause() instanceof PgException pg && "DF002".equals(pg.getSqlState())) {
                    context.stepDown().run();
                    return;
                }
                failures++;
                // Instances may have been taken up while the answer was lost: those that run and are not in memory.
                knownUpTo = RunningInstance.FIRST;
                signalsMissed = true;
                LOG.warnf("Looking for work failed, trying again: %s", e.getCause() == null ? e : e.getCause());
                pause(Math.min(5000, 100 * failures));
            } catch (RuntimeException e) {
                failures++;
                knownUpTo = RunningInstance.FIRST;
                signalsMissed = true;
                LOG.error("Looking for work failed, trying again", e);
                pause(Math.min(5000, 100 * failures));
            }
        }
    }

    private int look() throws InterruptedException, ExecutionException, TimeoutException {
        int taken = 0;
        limited = false;
        wentOn = 0;
        int free = context.settings().maxLoaded() - context.live().size();
        if (free > 0) {
            context.live().loadBegins();
            try {
                int limit = Math.min(context.settings().batchSize(), (free + 1) / 2);
                List<LoadedInstance> started = await(
                        context.store().take(limit, MAX_NODES, context.live().fullRoles()));
                started.forEach(turns::begin);
                taken = started.size();
                limited = taken >= limit;
                context.statistics().instancesStarted(taken);
            } finally {
                context.live().loadEnds();
            }
        }
        load(toLoad);
        messages();
        extendHorizon();
        load(due);
        findLeft();
        load(left);
        if (knownUpTo == null && left.isEmpty()) {
            load(leftAsleep);
        }
        return taken;
    }

    /** Finds the instances that an earlier term left, a page at a time. */
    private void findLeft() throws InterruptedException, ExecutionException, TimeoutException {
        if (knownUpTo == null) {
            return;
        }
        List<RunningInstance> page = await(context.store().runningAfter(knownUpTo, ID_PAGE));
        int found = 0;
        for (RunningInstance running : page) {
            if (!context.live().contains(running.candidate().id())) {
                (running.sleeps() ? leftAsleep : left).add(running.candidate());
                found++;
            }
        }
        context.statistics().instancesTakenOver(found);
        knownUpTo = page.size() < ID_PAGE ? null : page.get(page.size() - 1);
    }

    /**
     * Cancellations and signals: at each look of an idle worker, which a NOTIFY may have announced, and of a busy one now and
     * then.
     */
    private void messages() throws InterruptedException, ExecutionException, TimeoutException {
        long now = System.nanoTime();
        if (Boolean.FALSE.equals(idle) && !moreSignals && now - messagesAt < MESSAGES_NANOS) {
            return;
        }
        cancel();
        signals();
        messagesAt = now;
    }

    private void cancel() throws InterruptedException, ExecutionException, TimeoutException {
        Map<String, String> reasons = await(context.store().cancelling(CANCEL_BATCH));
        List<String> unknown = new ArrayList<>();
        for (Map.Entry<String, String> entry : reasons.entrySet()) {
            LiveInstance instance = context.live().get(entry.getKey());
            if (instance == null) {
                unknown.add(entry.getKey());
            } else if (!instance.isWindingUp()) {
                turns.cancel(instance, entry.getValue());
            }
        }
        load(unknown);
    }

    private void signals() throws InterruptedException, ExecutionException, TimeoutException {
        if (signalsMissed) {
            // Those that are not in memory are taken over once more.
            context.live().all().forEach(turns.signals()::lookAgain);
            signalsMissed = false;
        }
        moreSignals = true;
        for (int i = 0; i < SIGNAL_BATCHES && moreSignals; i++) {
            List<InstanceStore.Arrival> arrivals = await(context.store().newSignals(SIGNAL_BATCH));
            for (InstanceStore.Arrival arrival : arrivals) {
                LiveInstance instance = context.live().get(arrival.instance().id());
                if (instance != null) {
                    turns.signals().arrived(instance, arrival.name());
                } else if (arrival.isWaitedFor()) {
                    toLoad.add(arrival.instance());
                }
            }
            moreSignals = arrivals.size() == SIGNAL_BATCH;
        }
        load(toLoad);
    }

    private void extendHorizon() throws InterruptedException, ExecutionException, TimeoutException {
        Instant before = horizon;
        Instant now = context.clock().instant();
        if (before.isAfter(now.plus(context.settings().timerWindow().dividedBy(2)))) {
            return;
        }
        // First the horizon, then the query: whoever decides in between to keep an instance in memory sees the new one.
        horizon = now.plus(context.settings().timerWindow());
        try {
            due.addAll(await(context.store().dueBetween(before, horizon)));
        } catch (ExecutionException | TimeoutException e) {
            horizon = before;
            throw e;
        }
    }

    /** Loads what waits to be loaded, a page of it and as far as there is room; the rest stay ids until there is. */
    private void load(IdQueue waiting) throws InterruptedException, ExecutionException, TimeoutException {
        List<Candidate> admitted = context.live().admit(waiting, PAGE);
        wentOn += admitted.size();
        try {
            load(admitted.stream()
                    .map(Candidate::id)
                    .filter(id -> !context.live().contains(id))
                    .toList());
        } catch (ExecutionException | TimeoutException e) {
            waiting.addAll(admitted);
            throw e;
        }
    }

    private void load(List<String> ids) throws InterruptedException, ExecutionException, TimeoutException {
        if (ids.isEmpty()) {
            return;
        }
        List<String> rest = ids;
        while (!rest.isEmpty()) {
            // What is read at once has to be small, whatever was asked for.
            int first = rest.size() == 1 ? 1 : await(context.store().countLoadable(rest, MAX_NODES));
            context.live().loadBegins();
            try {
                await(context.store().load(rest.subList(0, first))).forEach(turns::begin);
            } finally {
                context.live().loadEnds();
            }
            rest = rest.subList(first, rest.size());
        }
    }

    /**
     * Waits for the next look. While few instances are started, each start sends a NOTIFY and is taken up at once; while
     * many are, looking often is cheaper than their NOTIFYs (architecture 6).
     */
    private void rest(int taken) throws InterruptedException, ExecutionException, TimeoutException {
        long now = System.nanoTime();
        arrivals.add(now, taken);
        boolean more =
                knownUpTo != null || !due.isEmpty() || !toLoad.isEmpty() || !left.isEmpty() || !leftAsleep.isEmpty();
        if (more && knownUpTo == null && wentOn == 0) {
            say(false);
            wakeUp.tryAcquire(POLL_WITHOUT_ROOM_MILLIS, TimeUnit.MILLISECONDS);
        } else if (more || moreSignals || limited || arrivals.perSecond(now) > BUSY_PER_SECOND) {
            say(false);
            wakeUp.tryAcquire(context.settings().busyPoll().toMillis(), TimeUnit.MILLISECONDS);
        } else if (!context.settings().notifications()) {
            say(false);
            wakeUp.tryAcquire(POLL_WITHOUT_NOTIFY_MILLIS, TimeUnit.MILLISECONDS);
        } else if (!Boolean.TRUE.equals(idle)) {
            // Look once more after having said it: a start that read "busy" before may have committed since.
            say(true);
        } else {
            wakeUp.tryAcquire(context.settings().idlePoll().toMillis(), TimeUnit.MILLISECONDS);
        }
        wakeUp.drainPermits();
    }

    private void say(boolean nowIdle) throws InterruptedException, ExecutionException, TimeoutException {
        if (idle == null || idle != nowIdle) {
            await(context.store().setIdle(nowIdle));
            idle = nowIdle;
        }
    }

    private void pause(long millis) {
        try {
            wakeUp.tryAcquire(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            stopped = true;
        }
    }

    private static <T> T await(Future<T> future) throws InterruptedException, ExecutionException, TimeoutException {
        return future.toCompletionStage().toCompletableFuture().get(ANSWER_SECONDS, TimeUnit.SECONDS);
    }
}
