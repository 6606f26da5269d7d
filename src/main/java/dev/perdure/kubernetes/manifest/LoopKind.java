package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code loop: {steps, while, every, continueOnFailure}}, as {@code df.loop}. */
final class LoopKind implements StepKind {

    private static final Duration USUAL = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofDays(3650);

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "steps", "while", "every", "continueOnFailure");
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        String condition = fields.optionalText("while");
        NodeText test = condition == null ? null : NodeText.sql(condition);
        return new NodeText("LOOP", body, null, test, List.of(), config(fields), null);
    }

    /** The configuration; null for the usual one. */
    private static @Nullable String config(Fields fields) throws InvalidDefinitionException {
        List<String> members = new ArrayList<>();
        String every = every(fields);
        if (every != null) {
            members.add(every);
        }
        JsonNode continues = fields.optional("continueOnFailure");
        if (continues != null && !continues.isBoolean()) {
            throw fields.place("continueOnFailure").invalid("expected true or false");
        }
        if (continues != null && continues.booleanValue()) {
            members.add("\"continue_on_failure\":true");
        }
        return members.isEmpty() ? null : "{" + String.join(",", members) + "}";
    }

    private static @Nullable String every(Fields fields) throws InvalidDefinitionException {
        JsonNode value = fields.optional("every");
        if (value == null) {
            return null;
        }
        Duration every = DurationText.parse(value, fields.place("every"));
        if (every.compareTo(LONGEST) > 0) {
            throw fields.place("every").invalid("expected ten years at most");
        }
        return every.equals(USUAL) ? null : "\"every_ms\":" + every.toMillis();
    }
}
