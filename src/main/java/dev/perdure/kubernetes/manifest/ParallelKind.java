package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code parallel: [[…], […]]}, as {@code df.join} and {@code df.join3}, with any number of branches. */
final class ParallelKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        List<NodeText> branches = steps.branches(value, place);
        return new NodeText(
                "JOIN", branches.get(0), branches.get(1), null, branches.subList(2, branches.size()), null, null);
    }
}
