package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;

/** {@code signal: {name, timeout}}, as {@code df.wait_for_signal}. */
final class SignalKind implements StepKind {

    /** The longest that {@code df.signal} sends. */
    private static final int MAX_NAME_BYTES = 1024;

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "name", "timeout");
        String name = limited(fields, "name");
        return NodeText.leaf(
                "SIGNAL", "{\"signal_name\":" + JsonText.quote(name) + ",\"timeout_seconds\":" + timeout(fields) + "}");
    }

    static String limited(Fields fields, String field) throws InvalidDefinitionException {
        String text = fields.text(field);
        if (text.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES) {
            throw fields.place(field).invalid("longer than " + MAX_NAME_BYTES + " bytes");
        }
        return text;
    }

    static String timeout(Fields fields) throws InvalidDefinitionException {
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
