package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;

/** {@code signal: {name, timeout}}, as {@code df.wait_for_signal}. */
final class SignalKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "name", "timeout");
        return NodeText.leaf(
                "SIGNAL",
                "{\"signal_name\":" + JsonText.quote(fields.text("name")) + ",\"timeout_seconds\":" + timeout(fields)
                        + "}");
    }

    private static String timeout(Fields fields) throws InvalidDefinitionException {
        JsonNode timeout = fields.optional("timeout");
        if (timeout == null) {
            return "null";
        }
        long seconds = DurationText.wholeSeconds(timeout, fields.place("timeout"));
        if (seconds < 1 || seconds > Integer.MAX_VALUE) {
            throw fields.place("timeout").invalid("expected a duration from 1 second to 68 years");
        }
        return Long.toString(seconds);
    }
}
