package dev.perdure.flow;

import dev.perdure.graph.JoinNode;
import dev.perdure.graph.Node;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * JOIN: all branches at once, each in a scope of its own; it waits for all of them, also when one fails. Then the first
 * branch, in order, that failed or broke decides (specification 4.7).
 */
record JoinRule(JoinNode node) implements Rule {

    @Override
    public void enter(Turn turn, Running run, @Nullable Recorded row) {
        turn.continueAs(node, run.withBranchesLeft(node.branches().size()));
        List<String> branches = node.branches();
        for (int i = branches.size() - 1; i >= 0; i--) {
            turn.enter(branches.get(i), run);
        }
    }

    @Override
    public void childEnded(Turn turn, Running run, Node child, Outcome outcome) {
        turn.keep(child, outcome);
        int left = run.branchesLeft() - 1;
        turn.continueAs(node, run.withBranchesLeft(left));
        if (left == 0) {
            turn.end(node, outcome(turn, run));
            node.branches().forEach(turn::close);
        }
    }

    private Outcome outcome(Turn turn, Running run) {
        StringBuilder results = new StringBuilder();
        Outcome decisive = null;
        for (int i = 0; i < node.branches().size() && !(decisive instanceof Outcome.Failed); i++) {
            String branch = node.branches().get(i);
            Outcome outcome = turn.kept(branch);
            if (decisive == null && outcome instanceof Outcome.Failed failure) {
                String message = "JOIN branch " + (i + 1) + " failed: " + failure.error();
                decisive = failure.saying(message);
                LoopRule.failedAsBranch(turn, branch, failure.saying(message));
            } else {
                turn.mergeNames(branch, run);
                if (decisive == null && outcome instanceof Outcome.Broke) {
                    decisive = outcome;
                } else if (outcome instanceof Outcome.Succeeded success) {
                    results.append(i == 0 ? "" : ",").append(ResultDocument.canonical(success.result()));
                }
            }
        }
        return decisive != null ? decisive : new Outcome.Succeeded(new Result("[" + results + "]", null));
    }
}
