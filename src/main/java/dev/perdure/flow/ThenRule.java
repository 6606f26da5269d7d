package dev.perdure.flow;

import dev.perdure.graph.Node;
import dev.perdure.graph.ThenNode;
import org.jspecify.annotations.Nullable;

/** THEN: left, then right. Failure or BREAK of the left skips the right. */
record ThenRule(ThenNode node) implements Rule {

    @Override
    public void enter(Turn turn, Running run, @Nullable Recorded row) {
        turn.enter(node.left(), run);
    }

    @Override
    public void childEnded(Turn turn, Running run, Node child, Outcome outcome) {
        if (child.id().equals(node.left()) && outcome instanceof Outcome.Succeeded) {
            turn.enter(node.right(), run);
        } else {
            turn.end(node, outcome);
        }
    }
}
