package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.graph.Node;
import dev.perdure.graph.SagaNode;
import org.jspecify.annotations.Nullable;

/**
 * SAGA: its body; when that fails, the undos that were registered in it, the latest first, and then the failure goes on. That the body has
 * failed is what its rows say, and what is left to be undone is what the undos say, so nothing else has to be durable.
 */
record SagaRule(SagaNode node) implements Rule {

    @Override
    public boolean opensFrame() {
        return true;
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (row != null && row.canceled()) {
            decision.enter(node.body(), run);
        } else if (decision.compensation().isPendingAgain(node)) {
            decision.compensation().undo(node, run);
        } else if (decision.compensation().isGivenUpAgain(node)) {
            undone(decision, run);
        } else {
            decision.enter(node.body(), run);
        }
    }

    /** Names that its body has bound are visible outside of it. */
    @Override
    public boolean isEnteredWhenInterrupted() {
        return true;
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        NodeRecord row = decision.recorded(node.id());
        if (row != null && row.canceled() && run.stamp().equals(row.stamp())) {
            return;
        }
        if (outcome instanceof Outcome.Failed) {
            decision.frames().keep(node, outcome);
            decision.compensation().undo(node, run);
        } else {
            decision.compensation().settle(node);
            decision.end(node, outcome);
        }
    }

    @Override
    public void undone(DecisionBuilder decision, Running run) {
        String notes = decision.compensation().notes(node);
        if (decision.frames().kept(node.id()) instanceof Outcome.Failed failure) {
            decision.end(node, failure.saying(failure.error() + notes));
        } else if (notes.isEmpty()) {
            decision.enter(node.body(), run);
        } else {
            decision.end(node, new Outcome.Failed("The saga does not begin again" + notes));
        }
    }
}
