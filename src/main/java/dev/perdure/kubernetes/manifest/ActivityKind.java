package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** {@code activity: {kind, payload, lease, maxAttempts}}, as {@code df.activity}. */
final class ActivityKind implements StepKind {

    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofDays(30);
    private static final int MOST_ATTEMPTS = 1_000_000;

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "kind", "payload", "lease", "maxAttempts");
        JsonNode given = fields.optional("lease");
        Duration lease = given == null ? Duration.ofMinutes(1) : DurationText.parse(given, fields.place("lease"));
        if (lease.compareTo(SHORTEST) < 0 || lease.compareTo(LONGEST) > 0) {
            throw fields.place("lease").invalid("expected from one second to thirty days");
        }
        Integer attempts = fields.optionalPositive("maxAttempts");
        if (attempts != null && attempts > MOST_ATTEMPTS) {
            throw fields.place("maxAttempts").invalid("expected at most " + MOST_ATTEMPTS);
        }
        String payload = payload(fields.optional("payload"));
        return NodeText.leaf(
                "ACTIVITY",
                "{\"kind\":" + JsonText.quote(fields.text("kind")) + ",\"payload\":"
                        + JsonText.quote(payload == null ? "{}" : payload) + ",\"lease_ms\":" + lease.toMillis()
                        + ",\"max_attempts\":" + (attempts == null ? 20 : attempts) + "}");
    }

    /** A text is the template itself; of anything else the strings are templates. */
    static @Nullable String payload(@Nullable JsonNode payload) {
        if (payload == null) {
            return null;
        }
        return payload.isTextual() ? payload.textValue() : JsonText.compact(payload);
    }
}
