package dev.perdure.session;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets a few logins begin at a time, in the order in which they came: TLS and SCRAM take so much of the processors, of worker and
 * server, that forty at once delay everybody's steps by seconds. One that is not answered keeps the next ones waiting for a moment
 * only. Thread-safe.
 */
final class LoginGate {

    /** So long without one being through, and the next one goes. */
    private static final Duration PATIENCE = Duration.ofMillis(250);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Object> waiting = new ArrayDeque<>();
    private final int atOnce;
    private final long patience;
    private int inside;
    private long movedAt = System.nanoTime();

    /**
     * A gate that is open.
     *
     * @param atOnce so many at a time
     */
    LoginGate(int atOnce) {
        this(atOnce, PATIENCE);
    }

    LoginGate(int atOnce, Duration patience) {
        this.atOnce = atOnce;
        this.patience = patience.toNanos();
    }

    /** Opens a session. */
    @FunctionalInterface
    interface Login<T, E extends Exception> {
        T run() throws E;
    }

    /** Logs in when it is this one's turn. */
    <T, E extends Exception> T through(Login<T, E> login) throws E {
        enter();
        try {
            return login.run();
        } finally {
            leave();
        }
    }

    private void enter() {
        Object own = new Object();
        lock.lock();
        try {
            waiting.add(own);
            while (waiting.peek() != own || isFull()) {
                changed.awaitNanos(Math.max(1_000_000, movedAt + patience - System.nanoTime()));
            }
        } catch (InterruptedException e) {
            // The term ends, and with it what would log in.
            Thread.currentThread().interrupt();
        } finally {
            waiting.remove(own);
            inside++;
            moved();
            lock.unlock();
        }
    }

    private boolean isFull() {
        return inside >= atOnce && System.nanoTime() - movedAt < patience;
    }

    private void moved() {
        movedAt = System.nanoTime();
        changed.signalAll();
    }

    private void leave() {
        lock.lock();
        try {
            inside--;
            moved();
        } finally {
            lock.unlock();
        }
    }
}
