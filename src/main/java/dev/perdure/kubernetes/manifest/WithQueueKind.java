package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code withQueue: {steps, queue, key}}, as {@code df.with_queue}. */
final class WithQueueKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "steps", "queue", "key");
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        String queue = fields.text("queue");
        JsonNode key = fields.optional("key");
        if (key != null && (!key.isTextual() || key.textValue().isEmpty())) {
            throw fields.place("key").invalid("expected a text, found " + Fields.kind(key));
        }
        return new NodeText(
                "WITH_QUEUE",
                body,
                null,
                null,
                List.of(),
                "{\"queue\":" + JsonText.quote(queue)
                        + (key == null ? "" : ",\"key\":" + JsonText.quote(key.textValue())) + "}",
                null);
    }
}
