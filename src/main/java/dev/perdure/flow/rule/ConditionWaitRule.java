package dev.perdure.flow.rule;

import dev.perdure.flow.Activation;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.Execution;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.Truth;
import dev.perdure.flow.template.Statement;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.ConditionWaitNode;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * WAIT_CONDITION: looks whether a query is true, and again after a while, each time in a transaction that may only read. Its row says
 * when the next look is; one that a crash has interrupted is done again.
 */
record ConditionWaitRule(ConditionWaitNode node) implements LeafRule {

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Instant next = row == null || row.status() != NodeStatus.RUNNING ? null : row.wakeAt();
        if (next == null || !next.isAfter(decision.at())) {
            look(decision, run);
        } else {
            decision.await(node, run, decision.within(node.every(), next));
        }
    }

    private void look(DecisionBuilder decision, Running run) {
        Statement statement;
        try {
            statement = decision.substitution(node, run).statement(node.query(), List.of());
        } catch (SubstitutionException e) {
            decision.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        decision.perform(node, run, new Effect.RunSql(new Activation(node.id(), run.stamp()), statement.readOnly(), 0));
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        // Looks and waits of one activation follow each other: what comes late is of an earlier one.
        if (event instanceof Event.TimerFired != (run.phase() == Running.Phase.TIMER)) {
            return;
        }
        if (event instanceof Event.TimerFired) {
            look(decision, run);
        } else if (event instanceof Event.StepSucceeded step && !Truth.of(step.result())) {
            Instant next = decision.at().plus(node.every());
            decision.persistRunning(node, run, next, null);
            decision.await(node, run, next);
        } else if (event instanceof Event.StepSucceeded step) {
            Result result = step.result();
            decision.end(
                    node,
                    new Outcome.Succeeded(result),
                    new Execution(run.startedAt(), 1, step.executedQuery(), step.params()));
        } else if (event instanceof Event.StepFailed step) {
            decision.end(
                    node,
                    new Outcome.Failed(step.message(), step.sqlState(), null, step.detail(), null),
                    new Execution(run.startedAt(), step.attempt(), step.executedQuery(), step.params(), step.remark()));
        }
    }
}
