package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code race: [[…], […]]}, as {@code a | b | c}. */
final class RaceKind implements StepKind {

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        List<NodeText> branches = steps.branches(value, place);
        NodeText race = branches.get(0);
        for (NodeText branch : branches.subList(1, branches.size())) {
            race = NodeText.pair("RACE", race, branch);
        }
        return race;
    }
}
