package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;

/** {@code call: {name, args, version}}, as {@code df.call}. */
final class CallKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "name", "args", "version");
        String name = fields.text("name");
        JsonNode args = fields.optional("args");
        if (args != null && !args.isObject()) {
            throw fields.place("args").invalid("expected an object, found " + Fields.kind(args));
        }
        Integer version = fields.optionalPositive("version");
        return NodeText.leaf(
                "CALL",
                "{\"name\":" + JsonText.quote(name) + ",\"args\":" + (args == null ? "{}" : JsonText.compact(args))
                        + ",\"version\":" + (version == null ? "null" : version) + "}");
    }
}
