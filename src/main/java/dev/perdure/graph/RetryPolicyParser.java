package dev.perdure.graph;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/** Reads the configuration of a RETRY node, which may be written by hand; {@code df.retry} checks the same. */
final class RetryPolicyParser {

    /** Ten years, so that PostgreSQL can store the times. */
    private static final long LONGEST_MILLIS = 315_576_000_000L;

    private final JsonNode config;

    private RetryPolicyParser(JsonNode config) {
        this.config = config;
    }

    /**
     * Reads a configuration.
     *
     * @throws IllegalArgumentException when it makes no sense; the message says what is wrong
     */
    static RetryPolicy parse(JsonNode config) {
        return new RetryPolicyParser(config).policy();
    }

    private RetryPolicy policy() {
        JsonNode backoff = config.path("backoff");
        if (!backoff.isNumber() || !(backoff.doubleValue() >= 1) || Double.isInfinite(backoff.doubleValue())) {
            throw new IllegalArgumentException("backoff of RETRY is not a number from 1");
        }
        return new RetryPolicy(
                maxAttempts(),
                millis("initial_delay_ms"),
                backoff.doubleValue(),
                millis("max_delay_ms"),
                FailureConditions.parse(config, "retry_on", "RETRY"));
    }

    private @Nullable Integer maxAttempts() {
        JsonNode most = config.path("max_attempts");
        if (most.isNull()) {
            return null;
        }
        if (!most.isIntegralNumber() || !most.canConvertToInt() || most.intValue() < 1) {
            throw new IllegalArgumentException("max_attempts of RETRY is neither null nor an integer from 1");
        }
        return most.intValue();
    }

    private long millis(String member) {
        JsonNode millis = config.path(member);
        if (!millis.isIntegralNumber()
                || !millis.canConvertToLong()
                || millis.longValue() < 0
                || millis.longValue() > LONGEST_MILLIS) {
            throw new IllegalArgumentException(member + " of RETRY is not an integer from 0 to " + LONGEST_MILLIS);
        }
        return millis.longValue();
    }
}
