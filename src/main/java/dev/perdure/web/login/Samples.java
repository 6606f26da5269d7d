package dev.perdure.web.login;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;

/**
 * Ends of the primary's log, with their times: a replica that has not replayed a position yet is as old as that position. So neither clocks
 * of two servers are compared, nor is a primary that nobody writes to taken for a replica that hangs. Thread-safe.
 */
final class Samples {

    private static final int MOST = 2_000;

    private final Deque<Sample> samples = new ArrayDeque<>();

    private record Sample(long nanos, long lsn) {}

    /** The primary's log ends there now. */
    synchronized void add(long nanos, long lsn) {
        if (!samples.isEmpty() && samples.getLast().lsn() == lsn) {
            return;
        }
        if (samples.size() >= MOST) {
            // Every second one: a replica that is an hour behind need not know it to the second.
            boolean drop = false;
            for (Iterator<Sample> each = samples.iterator(); each.hasNext(); drop = !drop) {
                each.next();
                if (drop) {
                    each.remove();
                }
            }
        }
        samples.add(new Sample(nanos, lsn));
    }

    synchronized void clear() {
        samples.clear();
    }

    /** Whether a replica has replayed all that is known of. */
    synchronized boolean isReached(long lsn) {
        return samples.isEmpty() || lsn >= samples.getLast().lsn();
    }

    /** The age in seconds of the oldest position that a replica has not replayed. */
    synchronized long behindSeconds(Position position, long nanos) {
        if (isReached(position.lsn())) {
            return 0;
        }
        for (Sample each : samples) {
            if (each.lsn() > position.lsn()) {
                long seconds = Math.max(0, TimeUnit.NANOSECONDS.toSeconds(nanos - each.nanos()));
                // Behind since before anybody looked: the servers know better.
                return each == samples.getFirst() ? Math.max(seconds, position.lastSeconds()) : seconds;
            }
        }
        return 0;
    }
}
