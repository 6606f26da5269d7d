package dev.perdure.web.login;

import dev.perdure.web.Problem;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The sessions of a login on one server. Thread-safe. */
final class SessionPool {

    /** A session older than this is not used again, so that a changed password, role or grant takes effect. */
    static final long MAX_AGE_NANOS = TimeUnit.MINUTES.toNanos(5);

    /** Of one login at the same time. */
    private static final int SESSIONS = 3;

    private static final long MAX_IDLE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final int PATIENCE_SECONDS = 5;

    private final Opener opener;
    private final Semaphore ofAll;
    private final Semaphore own = new Semaphore(SESSIONS, true);
    private final Deque<RoleSession> idle = new ArrayDeque<>();
    private volatile long openedAt = System.nanoTime();
    private boolean closed;

    /** Opens a session of a login. */
    @FunctionalInterface
    interface Opener {
        RoleSession open(String secret) throws Problem;
    }

    /**
     * A pool that is empty.
     *
     * @param ofAll so many sessions all logins may have on the server
     */
    SessionPool(Opener opener, Semaphore ofAll) {
        this.opener = opener;
        this.ofAll = ofAll;
    }

    /** The one with which the login began, where there is room for it. */
    void begin(RoleSession first) {
        if (ofAll.tryAcquire()) {
            synchronized (idle) {
                idle.push(first);
            }
        } else {
            first.close();
        }
    }

    /**
     * Borrows a session.
     *
     * @param secret that the password is sealed with
     * @throws Problem 401 when the server does not let the role in any more, 503 when there is none in time
     */
    RoleSession borrow(String secret) throws Problem {
        if (!acquire(own)) {
            throw Problem.later(503, "Too many requests of this login at the same time", 2);
        }
        boolean borrowed = false;
        try {
            RoleSession session = idleOne();
            if (session == null) {
                if (!acquire(ofAll)) {
                    throw Problem.later(503, "All sessions of the dashboard are in use (perdure.web.max-sessions)", 2);
                }
                boolean opened = false;
                try {
                    session = opener.open(secret);
                    openedAt = System.nanoTime();
                    opened = true;
                } finally {
                    if (!opened) {
                        ofAll.release();
                    }
                }
            }
            borrowed = true;
            return session;
        } finally {
            if (!borrowed) {
                own.release();
            }
        }
    }

    private static boolean acquire(Semaphore semaphore) throws Problem {
        try {
            return semaphore.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.later(503, "The dashboard ends", PATIENCE_SECONDS);
        }
    }

    private @Nullable RoleSession idleOne() {
        RoleSession found = null;
        List<RoleSession> old = new ArrayList<>();
        synchronized (idle) {
            long now = System.nanoTime();
            while (found == null && !idle.isEmpty()) {
                RoleSession session = idle.pop();
                if (session.ageNanos(now) > MAX_AGE_NANOS) {
                    old.add(session);
                } else {
                    found = session;
                }
            }
        }
        close(old);
        return found;
    }

    void giveBack(RoleSession session) {
        boolean fit = session.reset();
        boolean kept;
        synchronized (idle) {
            kept = fit && !closed;
            if (kept) {
                idle.push(session);
            }
        }
        if (!kept) {
            close(List.of(session));
        }
        own.release();
    }

    /** Closes sessions that nobody has used for a while; all that are idle, where others need them. */
    void closeIdle(boolean all) {
        List<RoleSession> old = new ArrayList<>();
        synchronized (idle) {
            long now = System.nanoTime();
            idle.removeIf(session -> {
                boolean gone = all || session.idleNanos(now) > MAX_IDLE_NANOS;
                if (gone) {
                    old.add(session);
                }
                return gone;
            });
        }
        close(old);
    }

    /** The time since the server has let in this login last. */
    long checkedNanosAgo() {
        return System.nanoTime() - openedAt;
    }

    boolean isClosed() {
        synchronized (idle) {
            return closed;
        }
    }

    /** Closes idle sessions, and those given back later. */
    void close() {
        synchronized (idle) {
            closed = true;
        }
        closeIdle(true);
    }

    private void close(List<RoleSession> sessions) {
        for (RoleSession session : sessions) {
            session.close();
            ofAll.release();
        }
    }
}
