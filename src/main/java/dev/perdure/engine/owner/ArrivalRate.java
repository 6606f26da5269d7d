package dev.perdure.engine.owner;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** The number of instances that arrived within a window of time that ends now. */
final class ArrivalRate {

    private record Batch(long at, int size) {}

    private final long windowNanos;
    private final Deque<Batch> batches = new ArrayDeque<>();
    private int sum;

    ArrivalRate(Duration window) {
        this.windowNanos = window.toNanos();
    }

    void add(long nanos, int size) {
        if (size > 0) {
            batches.add(new Batch(nanos, size));
            sum += size;
        }
    }

    double perSecond(long nanos) {
        while (!batches.isEmpty() && nanos - batches.peek().at() > windowNanos) {
            sum -= batches.poll().size();
        }
        return sum * 1e9 / windowNanos;
    }
}
