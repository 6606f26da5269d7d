package dev.perdure.flow;

import dev.perdure.graph.IfNode;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/** IF: the condition node, then one branch; a condition that fails or breaks goes up. */
record IfRule(IfNode node) implements Rule {

    @Override
    public void enter(Turn turn, Running run, @Nullable Recorded row) {
        turn.enter(node.condition(), run);
    }

    @Override
    public void childEnded(Turn turn, Running run, Node child, Outcome outcome) {
        if (child.id().equals(node.condition()) && outcome instanceof Outcome.Succeeded success) {
            turn.enter(Truth.of(success.result()) ? node.then() : node.otherwise(), run);
        } else {
            turn.end(node, outcome);
        }
    }
}
