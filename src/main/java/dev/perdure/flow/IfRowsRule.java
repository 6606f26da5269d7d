package dev.perdure.flow;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.graph.IfRowsNode;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/** IF by {@code df.if_rows}: one branch, by the {@code row_count} of a named result (specification 4.7). */
record IfRowsRule(IfRowsNode node) implements Rule {

    @Override
    public void enter(Turn turn, Running run, @Nullable Recorded row) {
        Result result = turn.find(node.testedName(), run);
        if (result == null) {
            fail(turn, "not found");
            return;
        }
        JsonNode json = Json.parse(result.json());
        if (json == null) {
            fail(turn, "has invalid result JSON");
            return;
        }
        JsonNode count = json.get("row_count");
        if (count == null || !count.isNumber()) {
            fail(turn, "is not a SQL result (missing row_count)");
            return;
        }
        turn.enter(count.decimalValue().signum() > 0 ? node.then() : node.otherwise(), run);
    }

    @Override
    public void childEnded(Turn turn, Running run, Node child, Outcome outcome) {
        turn.end(node, outcome);
    }

    private void fail(Turn turn, String problem) {
        turn.end(node, new Outcome.Failed("df.if_rows: result '" + node.testedName() + "' " + problem));
    }
}
