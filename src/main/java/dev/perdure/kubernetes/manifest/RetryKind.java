package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;

/** {@code retry: {steps, maxAttempts, initialDelay, backoff, maxDelay, retryOn}}, as {@code df.retry}. */
final class RetryKind implements StepKind {

    private static final int ATTEMPTS = 3;
    private static final Duration INITIAL_DELAY = Duration.ofSeconds(1);
    private static final Duration MAX_DELAY = Duration.ofHours(1);
    private static final Duration LONGEST_DELAY = Duration.ofDays(3650);
    private static final double MAX_BACKOFF = 1_000_000;

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields =
                Fields.of(value, place, "steps", "maxAttempts", "initialDelay", "backoff", "maxDelay", "retryOn");
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        Integer attempts = fields.optionalPositive("maxAttempts");
        String config = "{\"max_attempts\":" + (attempts == null ? ATTEMPTS : attempts)
                + ",\"initial_delay_ms\":" + delay(fields, "initialDelay", INITIAL_DELAY)
                + ",\"backoff\":" + backoff(fields)
                + ",\"max_delay_ms\":" + delay(fields, "maxDelay", MAX_DELAY)
                + ",\"retry_on\":" + FailureList.translate(fields, "retryOn", "leave it out to retry on every failure")
                + "}";
        return new NodeText("RETRY", body, null, null, List.of(), config, null);
    }

    private static long delay(Fields fields, String name, Duration usual) throws InvalidDefinitionException {
        JsonNode value = fields.optional(name);
        Duration delay = value == null ? usual : DurationText.parse(value, fields.place(name));
        if (delay.compareTo(LONGEST_DELAY) > 0) {
            throw fields.place(name).invalid("expected ten years at most");
        }
        return delay.toMillis();
    }

    private static String backoff(Fields fields) throws InvalidDefinitionException {
        JsonNode value = fields.optional("backoff");
        if (value == null) {
            return "2";
        }
        if (!value.isNumber() || !(value.doubleValue() >= 1 && value.doubleValue() <= MAX_BACKOFF)) {
            throw fields.place("backoff").invalid("expected a number from 1 to 1000000");
        }
        return JsonText.number(value);
    }
}
