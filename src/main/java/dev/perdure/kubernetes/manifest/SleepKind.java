package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;

/** {@code sleep: 90s}, as {@code df.sleep}. */
final class SleepKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        return NodeText.leaf("SLEEP", Long.toString(DurationText.wholeSeconds(value, place)));
    }
}
