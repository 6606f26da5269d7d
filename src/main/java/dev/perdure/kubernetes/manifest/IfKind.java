package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code if: {condition, then, else}}, as {@code df.if}; with {@code condition: {hasRows: name}} as {@code df.if_rows}. */
final class IfKind implements StepKind {

    /** The branch of an {@code if} without {@code else}: SQL has no empty branch. */
    static final String NOTHING = "SELECT NULL";

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "condition", "then", "else");
        JsonNode condition = fields.required("condition");
        NodeText yes = steps.sequence(fields.required("then"), fields.place("then"));
        JsonNode otherwise = fields.optional("else");
        NodeText no = otherwise == null ? NodeText.sql(NOTHING) : steps.sequence(otherwise, fields.place("else"));
        if (condition.isObject()) {
            String result =
                    Fields.of(condition, fields.place("condition"), "hasRows").text("hasRows");
            String config = "{\"condition_type\":\"result_has_rows\",\"result_name\":" + JsonText.quote(result) + "}";
            return new NodeText("IF", yes, no, null, List.of(), config, null);
        }
        NodeText test = NodeText.sql(Fields.text(condition, fields.place("condition")));
        return new NodeText("IF", yes, no, test, List.of(), null, null);
    }
}
