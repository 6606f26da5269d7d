package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
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
    public boolean isBranching() {
        return true;
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        decision.continueAs(node, run.withBranchesLeft(node.branches().size()));
        List<String> branches = node.branches();
        for (int i = branches.size() - 1; i >= 0; i--) {
            decision.enter(branches.get(i), run);
        }
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        decision.frames().keep(child, outcome);
        int left = run.branchesLeft() - 1;
        decision.continueAs(node, run.withBranchesLeft(left));
        if (left == 0) {
            decision.end(node, outcome(decision, run));
            node.branches().forEach(decision.frames()::close);
        }
    }

    private Outcome outcome(DecisionBuilder decision, Running run) {
        StringBuilder results = new StringBuilder();
        Outcome decisive = null;
        for (int i = 0; i < node.branches().size() && !(decisive instanceof Outcome.Failed); i++) {
            String branch = node.branches().get(i);
            Outcome outcome = decision.frames().kept(branch);
            if (decisive == null && outcome instanceof Outcome.Failed failure) {
                String message = "JOIN branch " + (i + 1) + " failed: " + failure.error();
                decisive = failure.saying(message);
                decision.rule(decision.graph().node(branch)).failedAsBranch(decision, failure.saying(message));
            } else {
                decision.frames().mergeNames(branch, run);
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
