package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code loop: {steps, while}}, as {@code df.loop}. */
final class LoopKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "steps", "while");
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        String condition = fields.optionalText("while");
        NodeText test = condition == null ? null : NodeText.sql(condition);
        return new NodeText("LOOP", body, null, test, List.of(), null, null);
    }
}
