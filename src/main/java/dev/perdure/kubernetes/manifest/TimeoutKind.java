package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code timeout: {steps, within, otherwise}}, as {@code df.timeout}. */
final class TimeoutKind implements StepKind {

    private static final Duration LONGEST = Duration.ofDays(3650);

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "steps", "within", "otherwise");
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        Duration within = limit(fields.required("within"), fields.place("within"));
        JsonNode otherwise = fields.optional("otherwise");
        NodeText other = otherwise == null ? null : steps.sequence(otherwise, fields.place("otherwise"));
        return limited(body, within, other);
    }

    /** The time that something may take. */
    static Duration limit(JsonNode value, Place place) throws InvalidDefinitionException {
        Duration within = DurationText.parse(value, place);
        if (within.toMillis() < 1 || within.compareTo(LONGEST) > 0) {
            throw place.invalid("expected from one millisecond to ten years");
        }
        return within;
    }

    /**
     * A node with a limit.
     *
     * @param otherwise null: it fails
     */
    static NodeText limited(NodeText body, Duration within, @Nullable NodeText otherwise) {
        return new NodeText(
                "TIMEOUT", body, otherwise, null, List.of(), "{\"within_ms\":" + within.toMillis() + "}", null);
    }
}
