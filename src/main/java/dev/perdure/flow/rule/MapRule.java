package dev.perdure.flow.rule;

import dev.perdure.flow.Activation;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.Execution;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.MapNode;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/**
 * MAP: first its items, then the body for each of them. What is decided of an item is no decision of the instance: the engine works on the
 * items, each with a state of its own ({@link ItemRule}), and says when the last one has ended. After a crash the items know what has been
 * done.
 */
record MapRule(MapNode node) implements LeafRule {

    /** Its items come first, also when it has ended: names that they bind are known behind it. */
    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (node.items() != null) {
            decision.enter(node.items(), run);
        } else {
            LeafRule.super.enter(decision, run, row);
        }
    }

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Result rows = decision.frames().find(node.named(), run);
        if (rows == null) {
            decision.end(node, new Outcome.Failed("$" + node.named() + ": no step has bound this name"));
        } else {
            work(decision, run, rows);
        }
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        NodeRecord row = decision.recorded(node.id());
        boolean hasEnded =
                row != null && run.stamp().equals(row.stamp()) && row.status().isTerminal();
        if (hasEnded && row.canceled()) {
            return;
        }
        if (outcome instanceof Outcome.Succeeded success) {
            if (hasEnded) {
                LeafRule.super.enter(decision, run, row);
            } else {
                work(decision, run, success.result());
            }
        } else {
            decision.end(node, outcome);
        }
    }

    private void work(DecisionBuilder decision, Running run, Result rows) {
        decision.perform(
                node,
                run,
                new Effect.RunMap(
                        new Activation(node.id(), run.stamp()),
                        node.plan(),
                        rows,
                        decision.frames().visibleNames(run)));
    }

    @Override
    public boolean isEnteredWhenInterrupted() {
        return node.items() != null;
    }

    @Override
    public boolean hasItems() {
        return true;
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.StepSucceeded done) {
            decision.endMap(done.activation());
            Result result = done.result();
            // In the form that it will have when it is read back.
            Result kept = result.columns() == null ? new Result(Json.canonical(result.json()), null) : result;
            decision.end(node, new Outcome.Succeeded(kept), new Execution(done.startedAt(), 0, null));
        } else if (event instanceof Event.StepFailed failed) {
            decision.endMap(failed.activation());
            decision.end(
                    node,
                    new Outcome.Failed(failed.message(), failed.sqlState(), null, failed.detail(), null),
                    new Execution(
                            failed.startedAt(),
                            0,
                            failed.executedQuery().isEmpty() ? null : failed.executedQuery(),
                            failed.params(),
                            failed.remark()));
        }
    }
}
