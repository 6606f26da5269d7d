package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;

/** {@code waitForEvent: {instance, name, timeout}}, as {@code df.wait_for_event}. */
final class WaitForEventKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "instance", "name", "timeout");
        String instance = SignalKind.limited(fields, "instance");
        if (instance.isBlank()) {
            throw fields.place("instance").invalid("is blank");
        }
        String name = SignalKind.limited(fields, "name");
        return NodeText.leaf(
                "WAIT_EVENT",
                "{\"instance_id\":" + JsonText.quote(instance) + ",\"event_name\":" + JsonText.quote(name)
                        + ",\"timeout_seconds\":" + SignalKind.timeout(fields) + "}");
    }
}
