package dev.perdure.kubernetes.reconcile;

import java.time.Duration;
import java.time.Instant;

/** Moments and pauses that cannot overflow, whatever number somebody has written. */
final class Times {

    /** No bound in the definitions is larger; where those of another version are installed, more means this. */
    private static final long LONGEST_SECONDS = Duration.ofDays(36_525).toSeconds();

    private Times() {}

    static Instant after(Instant moment, long seconds) {
        return moment.plusSeconds(Math.min(seconds, LONGEST_SECONDS));
    }
}
