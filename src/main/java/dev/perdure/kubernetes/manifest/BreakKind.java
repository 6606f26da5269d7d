package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;

/** {@code break: <value>} or {@code break: {}}, as {@code df.break}. */
final class BreakKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        return NodeText.leaf("BREAK", "{\"break_value\":" + breakValue(value, place) + "}");
    }

    private static String breakValue(JsonNode value, Place place) throws InvalidDefinitionException {
        if (value.isNull() || value.isObject() && value.isEmpty()) {
            return "null";
        }
        if (value.isNumber()) {
            return JsonText.quote(JsonText.number(value));
        }
        if (value.isTextual() || value.isBoolean()) {
            return JsonText.quote(value.asText());
        }
        throw place.invalid("expected a text, a number, a boolean or {}, found " + Fields.kind(value));
    }
}
