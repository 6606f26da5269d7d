package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.graph.Node;
import dev.perdure.graph.UndoNode;
import org.jspecify.annotations.Nullable;

/**
 * WITH_UNDO: a step, whose undo is registered by its own commit, or before it begins. The undo runs under it, too, but when a saga undoes,
 * in an activation of its own; in a RETRY, which df.with_undo puts around it.
 */
record UndoRule(UndoNode node) implements Rule {

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (node.isBefore()) {
            decision.compensation().register(node, run, null);
        }
        decision.enter(node.step(), run);
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        if (child.id().equals(node.undo())) {
            decision.compensation().ended(node, run, outcome);
            return;
        }
        if (!node.isBefore() && outcome instanceof Outcome.Succeeded success) {
            decision.compensation().register(node, run, success.result());
        }
        decision.end(node, outcome);
    }
}
