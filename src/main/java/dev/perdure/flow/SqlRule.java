package dev.perdure.flow;

import dev.perdure.graph.SqlNode;
import org.jspecify.annotations.Nullable;

/** SQL: one statement, run by the engine. */
record SqlRule(SqlNode node) implements LeafRule {

    @Override
    public void begin(Turn turn, Running run, @Nullable Recorded row) {
        String sql;
        try {
            sql = turn.substitution(run).sql(node.sql());
        } catch (SubstitutionException e) {
            turn.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        int attempt = row == null ? 0 : row.attempt();
        turn.perform(node, run, new Effect.RunSql(new Activation(node.id(), run.stamp()), sql, attempt));
    }

    @Override
    public void happened(Turn turn, Running run, Event event) {
        if (event instanceof Event.StepSucceeded step) {
            Result result = step.result();
            // What has no columns is kept in the form that it will have when it is read back.
            Result kept = result.columns() == null ? new Result(Json.canonical(result.json()), null) : result;
            turn.end(
                    node,
                    new Outcome.Succeeded(kept),
                    new Draft.Execution(step.startedAt(), step.attempt(), step.executedQuery()));
        } else if (event instanceof Event.StepFailed step) {
            turn.end(
                    node,
                    new Outcome.Failed(step.message(), step.sqlState(), null),
                    new Draft.Execution(step.startedAt(), step.attempt(), step.executedQuery()));
        }
    }
}
