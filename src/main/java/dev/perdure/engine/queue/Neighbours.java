package dev.perdure.engine.queue;

import java.time.Duration;
import java.util.function.LongSupplier;

/** The roles that had work lately: a role that could take all of a server takes less while another one is at work. Thread-safe. */
public final class Neighbours {

    private final LongSupplier nanos;
    private final long within;
    private long role;
    private long at;
    private boolean any;
    /** The last time at which a role other than {@code role} had work. */
    private long otherAt;

    private boolean anyOther;

    /**
     * Nobody had anything to do yet.
     *
     * @param nanos a monotonic source
     * @param within for so long a role counts as being at work
     */
    public Neighbours(LongSupplier nanos, Duration within) {
        this.nanos = nanos;
        this.within = within.toNanos();
    }

    /** A role has something to do. */
    public synchronized void works(long who) {
        if (any && who != role) {
            otherAt = at;
            anyOther = true;
        }
        role = who;
        at = nanos.getAsLong();
        any = true;
    }

    /** Whether another role than this one is at work. */
    public synchronized boolean areAtWork(long than) {
        long now = nanos.getAsLong();
        return role == than ? anyOther && now - otherAt < within : any && now - at < within;
    }
}
