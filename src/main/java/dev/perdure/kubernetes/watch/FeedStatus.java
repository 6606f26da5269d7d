package dev.perdure.kubernetes.watch;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Status of a feed.
 *
 * @param problem why it shows nothing, if it does not
 * @param isForbidden whether that is for want of rights
 * @param since when this began
 * @param restarts how often it has begun again after it broke
 */
public record FeedStatus(
        ResourceKind kind,
        String namespace,
        State state,
        @Nullable String problem,
        boolean isForbidden,
        Instant since,
        long restarts) {

    /** Whether changes arrive. */
    public enum State {
        STARTING,
        WATCHING,
        BROKEN
    }
}
