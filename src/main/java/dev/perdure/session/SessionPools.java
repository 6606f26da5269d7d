package dev.perdure.session;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.LogText;
import dev.perdure.database.ServerIdentity;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Idle sessions of submitters, by role and database. The queue of steps limits the number in use. Thread-safe. */
public final class SessionPools implements AutoCloseable {

    /**
     * The key of a pool: a role by oid, since a name can be dropped and made again.
     *
     * @param database null for the database that holds schema df
     */
    public record Key(long roleOid, @Nullable String database) {}

    /**
     * The context of the pools.
     *
     * @param logins the roles that cannot log in now; closed with the pools
     * @param server the server that the leader's own session met, see {@link ServerIdentity}
     * @param maxSessions how many there are at most, those that are idle included
     */
    public record Settings(
            DatabaseUrl worker,
            SubmitterLogin login,
            RoleLogins logins,
            ServerIdentity server,
            long lockTimeoutMillis,
            long maxAgeNanos,
            long idleTimeoutNanos,
            long maxResultSize,
            int maxSessions,
            int connectTimeoutSeconds) {}

    private static final Logger LOG = Logger.getLogger(SessionPools.class);

    private final Settings settings;
    private final SessionOpener opener;
    private final Map<Key, Deque<StepSession>> idle = new HashMap<>();
    private final Map<StepSession, Key> inUse = new ConcurrentHashMap<>();
    private final Receipts receipts;
    private int borrowed;
    private int idleCount;
    private boolean closed;
    private volatile long askedAt = System.nanoTime();

    public SessionPools(Settings settings) {
        this.settings = settings;
        this.opener = new SessionOpener(settings);
        settings.logins().begin(this::openIdle);
        this.receipts = new Receipts(this, settings.server().databaseOid());
    }

    /** The receipts of steps in other databases. */
    public Receipts receipts() {
        return receipts;
    }

    /** An idle session of the role, or a new one, for which the longest idle session of another role may be closed. */
    public StepSession borrow(Key key) throws StepFailedException {
        List<StepSession> gone = new ArrayList<>();
        StepSession found = null;
        synchronized (idle) {
            Deque<StepSession> sessions = idle.get(key);
            long now = System.nanoTime();
            while (sessions != null && found == null && !sessions.isEmpty()) {
                // The most recently used first: the others can grow old.
                StepSession session = sessions.pop();
                idleCount--;
                if (session.ageNanos(now) > settings.maxAgeNanos()) {
                    gone.add(session);
                } else {
                    found = session;
                }
            }
            borrowed++;
            while (found == null && idleCount > 0 && borrowed + idleCount > settings.maxSessions()) {
                gone.add(takeLongestIdle(now));
            }
        }
        gone.forEach(StepSession::close);
        try {
            StepSession session = found != null ? found : opener.open(key);
            inUse.put(session, key);
            if (isClosed()) {
                session.abort();
            }
            return session;
        } catch (StepFailedException | RuntimeException e) {
            synchronized (idle) {
                borrowed--;
            }
            throw e;
        }
    }

    /** Opens a session for the next request. */
    private void openIdle(Key key) throws SQLException {
        StepSession session = opener.tryToOpen(key);
        synchronized (idle) {
            if (!closed && borrowed + idleCount < settings.maxSessions()) {
                idle.computeIfAbsent(key, k -> new ArrayDeque<>()).push(session);
                idleCount++;
                return;
            }
        }
        session.close();
    }

    private StepSession takeLongestIdle(long now) {
        Deque<StepSession> sessions = idle.values().stream()
                .filter(candidate -> !candidate.isEmpty())
                .max(Comparator.comparingLong(candidate -> candidate.getLast().idleNanos(now)))
                .orElseThrow();
        idleCount--;
        return sessions.removeLast();
    }

    /** Takes a session back: resets and keeps it, or closes it. */
    public void giveBack(Key key, StepSession session) {
        inUse.remove(session);
        boolean fit = session.reset();
        if (!fit) {
            session.close();
        }
        synchronized (idle) {
            borrowed--;
            if (!fit) {
                return;
            }
            if (!closed) {
                idle.computeIfAbsent(key, k -> new ArrayDeque<>()).push(session);
                idleCount++;
            }
        }
        if (isClosed()) {
            session.close();
        } else {
            settings.logins().gaveBack(key);
        }
    }

    /** The roles in trouble, which the pools ask first. */
    public RoleLogins logins() {
        return settings.logins();
    }

    /** The name of the database that sessions of the key are in. */
    public String database(Key key) {
        return key.database() == null ? settings.worker().database() : key.database();
    }

    /** Closes sessions that have been idle for too long. */
    public void closeExpired() {
        List<StepSession> expired = new ArrayList<>();
        synchronized (idle) {
            long now = System.nanoTime();
            for (Iterator<Deque<StepSession>> all = idle.values().iterator(); all.hasNext(); ) {
                Deque<StepSession> sessions = all.next();
                sessions.removeIf(session -> {
                    boolean old = session.idleNanos(now) > settings.idleTimeoutNanos()
                            || session.ageNanos(now) > settings.maxAgeNanos();
                    if (old) {
                        expired.add(session);
                    }
                    return old;
                });
                if (sessions.isEmpty()) {
                    all.remove();
                }
            }
            idleCount -= expired.size();
        }
        expired.forEach(StepSession::close);
    }

    /**
     * Breaks sessions that wait for an answer that will never come. When a network drops a request, TCP repeats it for a quarter of an
     * hour and probes nothing meanwhile; the server, which heard nothing, has probed and closed its side.
     *
     * @param than how long they have waited at least
     * @param gone which of the given processes the server does not have
     */
    public void abortLost(Duration than, Function<List<Integer>, Set<Integer>> gone) {
        long now = System.nanoTime();
        List<StepSession> waiting = inUse.keySet().stream()
                .filter(session -> session.waitsNanos(now) > than.toNanos())
                .toList();
        if (waiting.isEmpty() || now - askedAt < than.toNanos() / 4) {
            return;
        }
        askedAt = now;
        Set<Integer> lost =
                gone.apply(waiting.stream().map(StepSession::backend).distinct().toList());
        long later = System.nanoTime();
        for (StepSession session : waiting) {
            // The same statement as before.
            if (lost.contains(session.backend()) && session.waitsNanos(later) > than.toNanos()) {
                LOG.warnf(
                        "An answer in a step's session did not come within %d s, and the server has no session of pid %d: the connection is broken off",
                        session.waitsNanos(later) / 1_000_000_000, session.backend());
                session.abort();
            }
        }
    }

    /**
     * Terminates sessions whose statement goes on though it was cancelled: PL/pgSQL can catch a cancel, and nothing can catch this. A role may
     * terminate its own sessions, so that another session of the role asks for it. Blocks.
     *
     * @param grace from the cancel on, and again when a session could not be terminated
     */
    public void terminateAfterCancel(Duration grace) {
        for (Map.Entry<StepSession, Key> entry : inUse.entrySet()) {
            StepSession session = entry.getKey();
            if (session.sinceCancelNanos(System.nanoTime()) > grace.toNanos()) {
                session.restartCancelGrace(System.nanoTime());
                try (StepSession other = opener.tryToOpen(entry.getValue())) {
                    // It has had time to end, and its process's number to be another's.
                    if (session.sinceCancelNanos(System.nanoTime()) >= 0) {
                        other.terminate(session.backend());
                        LOG.infof(
                                "A statement of the role with oid %d went on for %d s after it was cancelled; its session (pid %d) was ended",
                                entry.getValue().roleOid(), grace.toSeconds(), session.backend());
                    }
                } catch (SQLException e) {
                    LOG.infof(
                            "A statement of the role with oid %d goes on though it was cancelled, and its session (pid %d) cannot be ended: %s",
                            entry.getValue().roleOid(), session.backend(), LogText.of(String.valueOf(e.getMessage())));
                }
            }
        }
    }

    /** Number of idle sessions at this moment. */
    public int idleCount() {
        synchronized (idle) {
            return idleCount;
        }
    }

    private boolean isClosed() {
        synchronized (idle) {
            return closed;
        }
    }

    /** Closes all sessions: the idle ones, and those in use by breaking their connections. */
    @Override
    public void close() {
        settings.logins().close();
        List<StepSession> all = new ArrayList<>();
        synchronized (idle) {
            closed = true;
            idle.values().forEach(all::addAll);
            idle.clear();
            idleCount = 0;
        }
        all.forEach(StepSession::close);
        inUse.keySet().forEach(StepSession::abort);
    }
}
