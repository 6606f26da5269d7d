package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;

/** {@code timeout: {steps, within, otherwise}}, as {@code df.timeout}. */
final class TimeoutKind implements StepKind {

    private static final Duration LONGEST = Duration.ofDays(3650);

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "steps", "within", "otherwise");
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        Duration within = DurationText.parse(fields.required("within"), fields.place("within"));
        if (within.toMillis() < 1 || within.compareTo(LONGEST) > 0) {
            throw fields.place("within").invalid("expected from one millisecond to ten years");
        }
        JsonNode otherwise = fields.optional("otherwise");
        NodeText other = otherwise == null ? null : steps.sequence(otherwise, fields.place("otherwise"));
        return new NodeText("TIMEOUT", body, other, null, List.of(), "{\"within_ms\":" + within.toMillis() + "}", null);
    }
}
