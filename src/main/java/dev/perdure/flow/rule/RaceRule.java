package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.graph.Node;
import dev.perdure.graph.RaceNode;
import org.jspecify.annotations.Nullable;

/**
 * RACE: both branches at once, each in a scope of its own; the first one to end in any way decides, the left one in a
 * tie. What runs of the other is interrupted (specification 4.7, {@code docs/compatibility}).
 */
record RaceRule(RaceNode node) implements Rule {

    static final String LOST = "lost race";

    @Override
    public boolean isBranching() {
        return true;
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        decision.enter(node.right(), run);
        decision.enter(node.left(), run);
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        boolean isLeft = child.id().equals(node.left());
        String loser = isLeft ? node.right() : node.left();
        decision.interrupt(loser, LOST, "Loop branch cancelled after losing RACE");
        decision.frames().close(loser);
        decision.frames().keep(child, outcome);
        decision.compensation().undo(node, run);
    }

    @Override
    public void undone(DecisionBuilder decision, Running run) {
        boolean isLeft = decision.frames().isOpen(node.left());
        Node winner = decision.graph().node(isLeft ? node.left() : node.right());
        Outcome outcome = decision.frames().kept(winner.id());
        if (outcome instanceof Outcome.Failed failure) {
            String message = "RACE " + (isLeft ? "left" : "right") + " branch failed: " + failure.error();
            decision.rule(winner).failedAsBranch(decision, failure.saying(message));
            decision.end(node, failure.saying(message));
        } else if (outcome != null) {
            decision.frames().mergeNames(winner.id(), run);
            decision.end(node, outcome);
        }
        decision.frames().close(winner.id());
    }
}
