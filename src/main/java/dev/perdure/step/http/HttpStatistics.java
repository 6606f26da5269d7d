package dev.perdure.step.http;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** Counts requests by how they ended, since the start of the process. Thread-safe. */
public final class HttpStatistics {

    private final Map<HttpOutcome, LongAdder> outcomes = new EnumMap<>(HttpOutcome.class);
    private final LongAdder sent = new LongAdder();
    private final LongAdder ended = new LongAdder();
    private final LongAdder nanos = new LongAdder();
    private final LongAdder bytes = new LongAdder();

    public HttpStatistics() {
        for (HttpOutcome outcome : HttpOutcome.values()) {
            outcomes.put(outcome, new LongAdder());
        }
    }

    /** A request was handed to the client. */
    public void began() {
        sent.increment();
    }

    /** A request that was handed to the client ended. */
    public void ended(HttpOutcome outcome, long durationNanos, long responseBytes) {
        ended.increment();
        nanos.add(durationNanos);
        bytes.add(responseBytes);
        count(outcome);
    }

    /** A request ended without having been handed to the client. */
    public void count(HttpOutcome outcome) {
        LongAdder counter = outcomes.get(outcome);
        if (counter != null) {
            counter.increment();
        }
    }

    /** Requests that ended so. */
    public long counted(HttpOutcome outcome) {
        LongAdder counter = outcomes.get(outcome);
        return counter == null ? 0 : counter.sum();
    }

    /** Requests under way. */
    public long inFlight() {
        return sent.sum() - ended.sum();
    }

    /** Seconds that all requests that have ended took together. */
    public double seconds() {
        return nanos.sum() / (double) TimeUnit.SECONDS.toNanos(1);
    }

    /** Bytes of all bodies that were received. */
    public long responseBytes() {
        return bytes.sum();
    }
}
