package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Truth;
import dev.perdure.graph.IfNode;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/** IF: the condition node, then one branch; a condition that fails or breaks goes up. */
record IfRule(IfNode node) implements Rule {

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        decision.enter(node.condition(), run);
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        if (child.id().equals(node.condition()) && outcome instanceof Outcome.Succeeded success) {
            decision.enter(Truth.of(success.result()) ? node.then() : node.otherwise(), run);
        } else {
            decision.end(node, outcome);
        }
    }
}
