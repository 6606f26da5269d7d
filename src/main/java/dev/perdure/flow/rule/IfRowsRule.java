package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.IfRowsNode;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/** IF by {@code df.if_rows}: one branch, by the {@code row_count} of a named result (specification 4.7). */
record IfRowsRule(IfRowsNode node) implements Rule {

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Result result = decision.frames().find(node.testedName(), run);
        if (result == null) {
            fail(decision, "not found");
            return;
        }
        JsonNode json = Json.parse(result.json());
        if (json == null) {
            fail(decision, "has invalid result JSON");
            return;
        }
        JsonNode count = json.get("row_count");
        if (count == null || !count.isNumber()) {
            fail(decision, "is not a SQL result (missing row_count)");
            return;
        }
        decision.enter(count.decimalValue().signum() > 0 ? node.then() : node.otherwise(), run);
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        decision.end(node, outcome);
    }

    private void fail(DecisionBuilder decision, String problem) {
        decision.end(node, new Outcome.Failed("df.if_rows: result '" + node.testedName() + "' " + problem));
    }
}
