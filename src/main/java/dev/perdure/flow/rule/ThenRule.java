package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.graph.Node;
import dev.perdure.graph.ThenNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** THEN: left, then right. Failure or BREAK of the left skips the right. */
record ThenRule(ThenNode node) implements Rule {

    @Override
    public List<String> sequence() {
        return List.of(node.left(), node.right());
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        decision.enter(node.left(), run);
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        if (child.id().equals(node.left()) && outcome instanceof Outcome.Succeeded) {
            decision.enter(node.right(), run);
        } else {
            decision.end(node, outcome);
        }
    }
}
