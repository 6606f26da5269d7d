package dev.perdure.flow;

import com.fasterxml.jackson.databind.JsonNode;
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
    void begin(Turn turn, Running run, @Nullable Recorded row);

    /** How a row that is completed ended. */
    default Outcome completed(Result result) {
        return new Outcome.Succeeded(result);
    }

    @Override
    default void enter(Turn turn, Running run, @Nullable Recorded row) {
        if (row == null || !row.status().isTerminal()) {
            begin(turn, run, row);
        } else if (row.status() == NodeStatus.FAILED) {
            turn.end(node(), new Outcome.Failed(error(row), row.code(), null));
        } else {
            turn.end(node(), completed(result(row)));
        }
    }

    private static Result result(Recorded row) {
        String json = row.result() == null ? "null" : row.result();
        return new Result(row.columns() == null ? Json.canonical(json) : json, row.columns());
    }

    /** The row's result is the error as a JSON string. */
    private static String error(Recorded row) {
        String json = row.result() == null ? "null" : row.result();
        JsonNode error = Json.parse(json);
        return error != null && error.isTextual() ? error.textValue() : json;
    }
}
