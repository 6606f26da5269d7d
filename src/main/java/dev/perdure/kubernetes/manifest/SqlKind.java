package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;

/** {@code sql: <statement>}, as {@code df.sql}. */
final class SqlKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        return NodeText.sql(Fields.text(value, place));
    }
}
