package dev.perdure.flow;

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
    public void enter(Turn turn, Running run, @Nullable Recorded row) {
        turn.enter(node.right(), run);
        turn.enter(node.left(), run);
    }

    @Override
    public void childEnded(Turn turn, Running run, Node child, Outcome outcome) {
        boolean isLeft = child.id().equals(node.left());
        String loser = isLeft ? node.right() : node.left();
        turn.interrupt(loser, LOST, "Loop branch cancelled after losing RACE");
        if (outcome instanceof Outcome.Failed failure) {
            String message = "RACE " + (isLeft ? "left" : "right") + " branch failed: " + failure.error();
            LoopRule.failedAsBranch(turn, child.id(), failure.saying(message));
            turn.end(node, failure.saying(message));
        } else {
            turn.mergeNames(child.id(), run);
            turn.end(node, outcome);
        }
        turn.close(child.id());
        turn.close(loser);
    }
}
