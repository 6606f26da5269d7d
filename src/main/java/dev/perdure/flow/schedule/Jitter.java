package dev.perdure.flow.schedule;

import java.time.Duration;
import java.time.Instant;

/** The delay of a run behind its planned time: the same for the same schedule and planned time, as {@code df._jitter} has it. */
final class Jitter {

    private static final long PRIME = 1_000_003;
    private static final long OF_SCHEDULE = 7_919;
    private static final long OF_MINUTE = 104_729;

    private Jitter() {}

    /** From zero to less than {@code most}. */
    static Duration of(long schedule, Instant planned, Duration most) {
        long minute = Math.floorDiv(planned.getEpochSecond(), 60);
        long place = (schedule % PRIME * OF_SCHEDULE + minute % PRIME * OF_MINUTE) % PRIME;
        return Duration.ofMillis(place * most.toMillis() / PRIME);
    }
}
