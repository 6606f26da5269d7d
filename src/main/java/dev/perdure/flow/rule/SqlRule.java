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
import dev.perdure.flow.template.Statement;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.MapNode;
import dev.perdure.graph.SqlNode;
import org.jspecify.annotations.Nullable;

/** SQL: one statement, run by the engine. */
record SqlRule(SqlNode node) implements LeafRule {

    @Override
    public String statement() {
        return node.sql();
    }

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Statement statement;
        try {
            statement = decision.substitution(node, run).statement(node.sql(), node.parameters());
        } catch (SubstitutionException e) {
            decision.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        int attempt = row == null ? 0 : row.attempt();
        Activation itemsOf = null;
        if (node.resultName() == null
                && decision.graph().parent(node.id()) instanceof MapNode map
                && node.id().equals(map.items())) {
            itemsOf = new Activation(map.id(), run.stamp());
        }
        decision.perform(
                node, run, new Effect.RunSql(new Activation(node.id(), run.stamp()), statement, attempt, itemsOf));
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.StepSucceeded step) {
            Result result = step.result();
            // What has no columns is kept in the form that it will have when it is read back.
            Result kept = result.columns() == null ? new Result(Json.canonical(result.json()), null) : result;
            decision.end(
                    node,
                    new Outcome.Succeeded(kept),
                    new Execution(step.startedAt(), step.attempt(), step.executedQuery(), step.params()));
        } else if (event instanceof Event.StepFailed step) {
            decision.end(
                    node,
                    new Outcome.Failed(step.message(), step.sqlState(), null, step.detail(), null),
                    new Execution(
                            step.startedAt(), step.attempt(), step.executedQuery(), step.params(), step.remark()));
        }
    }
}
