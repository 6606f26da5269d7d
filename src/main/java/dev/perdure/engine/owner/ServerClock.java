package dev.perdure.engine.owner;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * The server's time, as the last exchange told it and a monotonic clock carries it on. Stored times are of this clock, so that no wait of
 * a workflow depends on the clock of the worker's machine. Thread-safe.
 */
public final class ServerClock implements InstantSource {

    private record Reading(Instant server, long nanos) {}

    private final LongSupplier nanos;
    private volatile Reading reading;

    /**
     * A clock that is set at the first exchange.
     *
     * @param start until then
     * @param nanos a monotonic source
     */
    public ServerClock(Instant start, LongSupplier nanos) {
        this.nanos = nanos;
        this.reading = new Reading(start, nanos.getAsLong());
    }

    /** Sets the clock by the server's time. */
    public void set(Instant server) {
        reading = new Reading(server, nanos.getAsLong());
    }

    @Override
    public Instant instant() {
        Reading last = reading;
        return last.server().plus(Duration.ofNanos(nanos.getAsLong() - last.nanos()));
    }
}
