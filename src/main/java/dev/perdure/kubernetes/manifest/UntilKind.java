package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;

/** {@code until: {sql, every}}, as {@code df.wait_for_condition}. */
final class UntilKind implements StepKind {

    private static final Duration USUAL = Duration.ofSeconds(10);
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofDays(3650);

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "sql", "every");
        String query = fields.text("sql");
        return NodeText.leaf(
                "WAIT_CONDITION",
                "{\"query\":" + JsonText.quote(query) + ",\"every_ms\":"
                        + every(fields).toMillis() + "}");
    }

    private static Duration every(Fields fields) throws InvalidDefinitionException {
        JsonNode value = fields.optional("every");
        if (value == null) {
            return USUAL;
        }
        Duration every = DurationText.parse(value, fields.place("every"));
        if (every.compareTo(SHORTEST) < 0 || every.compareTo(LONGEST) > 0) {
            throw fields.place("every").invalid("expected a duration from 100 ms to ten years");
        }
        return every;
    }
}
