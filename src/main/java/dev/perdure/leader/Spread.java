package dev.perdure.leader;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The number of databases that this process leads, so that leadership spreads over the workers of a fleet. The locks alone say who leads;
 * this decides when one is left to another worker. All workers see it in the names of their sessions. A worker with one database gives
 * nothing away: it never leads two. Thread-safe.
 */
public final class Spread {

    private static final String NAME = "perdure-leader";
    /** A worker that has just begun may end soon; databases are not given to it. */
    private static final Duration SETTLED = Duration.ofSeconds(10);

    private final int databases;
    private final long intervalNanos;
    private final AtomicInteger led = new AtomicInteger();
    private final AtomicLong next;

    /**
     * Of a process that leads nothing yet.
     *
     * @param databases how many it serves
     * @param interval at least so long lies between two that it gives away; zero: it gives none away
     */
    public Spread(int databases, Duration interval) {
        this.databases = databases;
        this.intervalNanos = interval.toNanos();
        this.next = new AtomicLong(System.nanoTime() + pause());
    }

    /** Of a process with one database. */
    public static Spread alone() {
        return new Spread(1, Duration.ZERO);
    }

    int led() {
        return led.get();
    }

    void began() {
        led.incrementAndGet();
    }

    void ended() {
        led.decrementAndGet();
    }

    /** The current name of the election's sessions; {@link LeaderSession} reads the number out of those of others. */
    String sessionName() {
        return databases == 1 ? NAME : NAME + ", leads " + led.get();
    }

    /** Whether it could be this process's turn to give a database away. */
    boolean mayGive() {
        return intervalNanos > 0 && led.get() >= 2 && System.nanoTime() - next.get() >= 0;
    }

    /** The time for which another worker must have stood for election before it is given anything. */
    Duration settled() {
        Duration interval = Duration.ofNanos(intervalNanos);
        return interval.compareTo(SETTLED) < 0 ? interval : SETTLED;
    }

    /** Takes the turn; false when it has just been taken for another database. */
    boolean give() {
        long now = System.nanoTime();
        long due = next.get();
        return now - due >= 0 && next.compareAndSet(due, now + pause());
    }

    /** Not the same for all workers, which would otherwise give to a new one all at once. */
    private long pause() {
        return intervalNanos
                + (intervalNanos == 0 ? 0 : ThreadLocalRandom.current().nextLong(intervalNanos / 2 + 1));
    }
}
