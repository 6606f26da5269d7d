package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code catch: {steps, handler, codes}}, as {@code df.catch}. */
final class CatchKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "steps", "handler", "codes");
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        NodeText handler = steps.sequence(fields.required("handler"), fields.place("handler"));
        String codes = FailureList.translate(fields, "codes", "leave it out to catch every failure");
        return new NodeText("CATCH", body, handler, null, List.of(), "{\"codes\":" + codes + "}", null);
    }
}
