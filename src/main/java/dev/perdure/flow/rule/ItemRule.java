package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.graph.ItemNode;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/** The root of an item's flow: as the body ends, the item does. A BREAK finds no loop there: those of the map are not the item's. */
record ItemRule(ItemNode node) implements Rule {

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        decision.enter(node.body(), run);
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        decision.end(node, outcome);
    }
}
