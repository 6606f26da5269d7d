package dev.perdure.flow;

import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/** A type that can be read but not yet run. */
record UnsupportedRule(Node node) implements LeafRule {

    @Override
    public void begin(Turn turn, Running run, @Nullable Recorded row) {
        turn.end(
                node,
                new Outcome.Failed(
                        node.type() + " nodes are not supported by this version of Perdure (node " + node.id() + ")"));
    }
}
