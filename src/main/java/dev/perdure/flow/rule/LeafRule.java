package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/** A node without children. After a crash one that has ended answers from its row, and any other begins again. */
interface LeafRule extends Rule {

    Node node();

    /**
     * Begins, or begins again after a crash.
     *
     * @param row its row, when memory was just loaded and the row belongs to this activation; null otherwise
     */
    void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row);

    /** The outcome of a completed row. */
    default Outcome completed(Result result) {
        return new Outcome.Succeeded(result);
    }

    @Override
    default void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (row == null || !row.status().isTerminal()) {
            begin(decision, run, row);
        } else if (row.status() == NodeStatus.FAILED) {
            decision.end(node(), new Outcome.Failed(error(row), row.code(), node().id(), row.detail(), null));
        } else {
            decision.end(node(), completed(result(row)));
        }
    }

    private static Result result(NodeRecord row) {
        String json = row.result() == null ? "null" : row.result();
        return new Result(row.columns() == null ? Json.canonical(json) : json, row.columns());
    }

    /** The row's result is the error as a JSON string. */
    static String error(NodeRecord row) {
        String json = row.result() == null ? "null" : row.result();
        JsonNode error = Json.parse(json);
        return error != null && error.isTextual() ? error.textValue() : json;
    }
}
