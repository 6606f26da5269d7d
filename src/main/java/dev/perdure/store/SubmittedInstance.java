package dev.perdure.store;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The state of an instance that was started under an idempotency key.
 *
 * @param status pending, running, completed, failed or cancelled
 * @param output of an instance that has ended: the result, the error, or why it was cancelled
 * @param stepsEnded how many of its steps have ended
 * @param steps how many nodes are steps, those of branches that are not taken included
 * @param items how far its maps are, as of a moment ago; null when it has none
 */
public record SubmittedInstance(
        String key,
        String id,
        String status,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant completedAt,
        @Nullable String output,
        @Nullable String cancelReason,
        int stepsEnded,
        int steps,
        @Nullable String items) {

    /** Whether it has ended and is wound up, including work that a cancellation interrupted. */
    public boolean hasEnded() {
        return switch (status) {
            case "completed", "failed" -> true;
            case "cancelled" -> output != null;
            default -> false;
        };
    }
}
