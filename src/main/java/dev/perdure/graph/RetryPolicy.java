package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The policy of {@code df.retry}: how often, when, and after which failures it tries again.
 *
 * @param maxAttempts from 1, the first one included; null: without end
 * @param initialDelayMillis before the second attempt, from 0
 * @param backoff by what the delay is multiplied from attempt to attempt, from 1
 * @param maxDelayMillis the longest delay
 * @param retryOn SQLSTATEs of five characters, their classes of two, {@code http:429}, {@code http:5xx},
 *     {@code http:error}; null: every failure
 */
public record RetryPolicy(
        @Nullable Integer maxAttempts,
        long initialDelayMillis,
        double backoff,
        long maxDelayMillis,
        @Nullable List<String> retryOn) {}
