package dev.perdure.leader;

import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.LogText;
import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Stands for election until it is stopped: connects, polls the advisory lock, leads while its session lives, and begins
 * again (architecture 5). One thread of its own.
 */
public final class LeaderElection implements AutoCloseable {

    /**
     * Times.
     *
     * @param pollInterval how long a standby waits for the lock before it looks whether the leader is alive
     * @param heartbeatInterval how often a leader proves to itself that it still leads
     * @param deadline how long an answer of the server may take before the leader stops by itself
     * @param silence for how long a leader may not have been seen before a standby ends its session
     */
    public record Times(Duration pollInterval, Duration heartbeatInterval, Duration deadline, Duration silence) {}

    private static final Logger LOG = Logger.getLogger(LeaderElection.class);
    private static final Duration MIN_BACKOFF = Duration.ofMillis(200);
    private static final Duration MAX_BACKOFF = Duration.ofSeconds(5);
    private static final int LOOKS_AT_REPLICA = 4;
    private static final Duration LOOK_AT_NODES = Duration.ofMillis(50);
    /** For so long a lock is left to another worker, which waits for it or will soon. */
    private static final Duration OTHERS_TURN = Duration.ofMillis(200);

    private final Vertx vertx;
    private final List<PgConnectOptions> servers;
    private final Times times;
    private final Clock clock;
    private final LeaderStatus status;
    private final LeaderListener listener;
    private final Spread spread;
    private final Candidates candidates;
    private final DatabaseThreads threads;
    private final Thread thread;
    private final Semaphore nudge = new Semaphore(0);
    private volatile boolean stopped;
    private volatile boolean closed;
    private volatile long stoodAt = System.nanoTime();
    /** The epoch of the term that is to end; 0 when none is. */
    private volatile long resigned;

    private volatile long current;
    private Duration backoff = MIN_BACKOFF;
    /** The session that had taken the lock of the term that begins, though no worker's; for people. */
    private String evaded = "";

    public LeaderElection(
            Vertx vertx,
            List<PgConnectOptions> servers,
            Times times,
            Clock clock,
            LeaderStatus status,
            LeaderListener listener,
            Spread spread,
            DatabaseThreads threads) {
        this.vertx = vertx;
        this.servers = servers;
        this.times = times;
        this.clock = clock;
        this.status = status;
        this.listener = listener;
        this.spread = spread;
        this.candidates = new Candidates(spread);
        this.threads = threads;
        this.thread = threads.thread("perdure-leader", this::run);
    }

    public void start() {
        thread.start();
    }

    /**
     * Asks the leader to step down: its memory cannot be trusted any more (it was fenced, or it failed).
     *
     * @param epoch of the term that says so; a late word of an earlier one ends nothing
     */
    public void stepDown(long epoch) {
        if (epoch == current) {
            resigned = epoch;
            nudge.release();
        }
    }

    /** Stops and gives the lock back. Returns when that is done. */
    @Override
    public void close() {
        closed = true;
        stopped = true;
        nudge.release();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Whether it still stands for election: it has given a sign within a time that is longer than any answer of the server may take.
     * True for one that was closed.
     */
    public boolean isAlive(Duration within) {
        return closed || thread.isAlive() && System.nanoTime() - stoodAt < within.toNanos();
    }

    private void run() {
        while (!stopped) {
            try (LeaderSession session = LeaderSession.open(vertx, servers, times.deadline(), spread.sessionName())) {
                stand(session);
            } catch (LeaderLostException e) {
                report(LeaderStatus.Role.DISCONNECTED, 0, String.valueOf(e.getMessage()));
            } catch (RuntimeException | Error e) {
                LOG.error("The election failed; it begins again", e);
                report(LeaderStatus.Role.DISCONNECTED, 0, e.toString());
            }
            if (!stopped) {
                pause(backoff);
                backoff = backoff.multipliedBy(2).compareTo(MAX_BACKOFF) > 0 ? MAX_BACKOFF : backoff.multipliedBy(2);
            }
        }
        report(LeaderStatus.Role.DISCONNECTED, 0, "stopped");
    }

    private void stand(LeaderSession session) throws LeaderLostException {
        int looksAtReplica = 0;
        while (!stopped && !session.isClosed()) {
            stoodAt = System.nanoTime();
            if (session.isReplica()) {
                report(LeaderStatus.Role.STANDBY, 0, "the server is a replica");
                backoff = MIN_BACKOFF;
                if (++looksAtReplica > LOOKS_AT_REPLICA) {
                    // Its address may lead to the primary by now.
                    return;
                }
                pause(times.pollInterval());
                continue;
            }
            ServerIdentity server = session.identity();
            String difference = session.differenceTo(server);
            if (difference != null) {
                report(
                        LeaderStatus.Role.REFUSED,
                        0,
                        "this server is not the one that schema df belongs to (" + difference
                                + "). If that is intended (a restored copy that takes over, pg_upgrade), run as the owner: "
                                + "UPDATE df._epoch SET system_identifier = NULL");
                pause(MAX_BACKOFF);
                continue;
            }
            String problem = session.citusProblem();
            if (problem != null) {
                report(LeaderStatus.Role.REFUSED, 0, problem);
                pause(MAX_BACKOFF);
                continue;
            }
            long key = session.lockKey();
            if (stopped) {
                return;
            }
            session.call(spread.sessionName());
            if (session.tryLock(key)) {
                backoff = MIN_BACKOFF;
                if (candidates.isLeftToAnother(session)) {
                    session.release();
                    pause(shorter(times.pollInterval(), OTHERS_TURN));
                    continue;
                }
                lead(session, server, key);
                return;
            }
            String holder = LogText.of(session.holder(key));
            backoff = MIN_BACKOFF;
            if (session.replaceKeyHeldByAnotherRole(key)) {
                LOG.warnf("The leader's lock was held by %s; a new key was drawn", holder);
                evaded = "; its lock had been taken by " + holder + " and has a new key";
                continue;
            }
            if (!holder.isEmpty()) {
                report(LeaderStatus.Role.STANDBY, 0, "another worker leads: " + holder);
            }
            if (session.endSilentLeader(key, times.silence())) {
                LOG.warnf(
                        "The leader was not seen for %d ms; its session was ended",
                        times.silence().toMillis());
            } else if (!session.awaitLock(key, lockWait())) {
                LOG.trace("Another worker still leads");
            }
            // With the lock, the worker checks everything else once more, as at the beginning.
        }
    }

    /** Shorter than the time after which a connection counts as lost. */
    private Duration lockWait() {
        return shorter(times.pollInterval(), times.deadline().dividedBy(2));
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private void lead(LeaderSession session, ServerIdentity server, long key) throws LeaderLostException {
        session.settle(server);
        Term term = session.beginTerm();
        current = term.epoch();
        spread.began();
        try {
            lead(session, server, term, key);
            session.release();
        } finally {
            current = 0;
            spread.ended();
            listener.released();
        }
    }

    /** Returns when nothing of the term goes on, with the lock still held unless it was lost. */
    private void lead(LeaderSession session, ServerIdentity server, Term term, long key) throws LeaderLostException {
        Heartbeat heartbeat = new Heartbeat(session, term);
        try (OtherNodes nodes = new OtherNodes(vertx, servers.get(session.host()))) {
            if (nodesAreReady(session, nodes, heartbeat, term)) {
                lead(session, server, term, key, heartbeat, nodes);
            }
        }
    }

    /** Waits for Citus' own work before a term may begin; returns whether it may. */
    private boolean nodesAreReady(LeaderSession session, OtherNodes nodes, Heartbeat heartbeat, Term term)
            throws LeaderLostException {
        while (heartbeat.beat() && !stopped && resigned != term.epoch()) {
            if (!session.hasCitus()) {
                return true;
            }
            nodes.turn();
            if (nodes.isReady()) {
                return true;
            }
            if (nodes.problem().isEmpty()) {
                report(LeaderStatus.Role.STANDBY, 0, nodes.waitsFor());
            } else {
                report(LeaderStatus.Role.REFUSED, 0, nodes.problem());
            }
            pause(times.heartbeatInterval().compareTo(LOOK_AT_NODES) < 0 ? times.heartbeatInterval() : LOOK_AT_NODES);
        }
        return false;
    }

    private void lead(
            LeaderSession session, ServerIdentity server, Term term, long key, Heartbeat heartbeat, OtherNodes nodes)
            throws LeaderLostException {
        boolean orderly = false;
        try {
            listener.elected(term, server, session.host());
            report(LeaderStatus.Role.LEADER, term.epoch(), "leads" + evaded);
            evaded = "";
            boolean isCurrent = true;
            boolean isGiven = false;
            while (isCurrent
                    && !isGiven
                    && !stopped
                    && resigned != term.epoch()
                    && nodes.problem().isEmpty()) {
                pause(times.heartbeatInterval());
                isCurrent = heartbeat.beat();
                if (session.hasCitus()) {
                    nodes.turn();
                }
                session.call(spread.sessionName());
                isGiven = isCurrent && candidates.isGivenAway(session, key);
            }
            orderly = isCurrent && resigned != term.epoch();
            if (!isCurrent) {
                LOG.warnf("Term %d was ended by another worker", term.epoch());
            } else if (!nodes.problem().isEmpty()) {
                LOG.errorf("Term %d ends: %s", term.epoch(), nodes.problem());
            }
        } finally {
            dismiss(heartbeat, orderly);
        }
    }

    /**
     * Ends the term. What is short may end first, and for so long the lock is held and seen to be: a standby must not take this worker
     * for one that was stopped.
     */
    private void dismiss(Heartbeat heartbeat, boolean orderly) {
        AtomicBoolean leads = new AtomicBoolean(orderly);
        CountDownLatch dismissed = new CountDownLatch(1);
        Thread end = threads.thread("perdure-dismissal", () -> {
            try {
                listener.dismissed(leads::get);
            } finally {
                dismissed.countDown();
            }
        });
        end.start();
        try {
            while (!dismissed.await(times.heartbeatInterval().toMillis(), TimeUnit.MILLISECONDS)) {
                stoodAt = System.nanoTime();
                if (leads.get() && !beats(heartbeat)) {
                    leads.set(false);
                }
            }
        } catch (InterruptedException e) {
            leads.set(false);
            Thread.currentThread().interrupt();
        }
    }

    private static boolean beats(Heartbeat heartbeat) {
        try {
            return heartbeat.beat();
        } catch (LeaderLostException e) {
            LOG.warnf("The lock was lost while the term ended: %s", e.getMessage());
            return false;
        }
    }

    /** Proves to this worker and to others that it leads. */
    private static final class Heartbeat {

        private static final long VISIBLE_NANOS = TimeUnit.SECONDS.toNanos(2);

        private final LeaderSession session;
        private final Term term;
        private long lastVisible = System.nanoTime();

        Heartbeat(LeaderSession session, Term term) {
            this.session = session;
            this.term = term;
        }

        /** Whether the term is still the current one. */
        boolean beat() throws LeaderLostException {
            boolean visibly = System.nanoTime() - lastVisible > VISIBLE_NANOS;
            if (visibly) {
                lastVisible = System.nanoTime();
            }
            return session.heartbeat(term, visibly);
        }
    }

    private void pause(Duration time) {
        stoodAt = System.nanoTime();
        try {
            if (nudge.tryAcquire(time.toMillis(), TimeUnit.MILLISECONDS)) {
                nudge.drainPermits();
            }
        } catch (InterruptedException e) {
            stopped = true;
        }
    }

    private void report(LeaderStatus.Role role, long epoch, String detail) {
        if (status.set(role, epoch, clock.instant(), detail)) {
            switch (role) {
                case LEADER -> LOG.infof("This worker leads, epoch %d", epoch);
                case STANDBY -> LOG.infof("This worker stands by: %s", detail);
                case REFUSED -> LOG.errorf("This worker refuses to work: %s", detail);
                default -> {
                    if (!stopped) {
                        LOG.warnf("This worker has no database: %s", detail);
                    }
                }
            }
        }
    }
}
