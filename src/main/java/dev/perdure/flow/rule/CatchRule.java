package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.CatchNode;
import dev.perdure.graph.Node;
import org.jspecify.annotations.Nullable;

/**
 * CATCH: its body, and the handler when that fails with one of the codes; the last of the two to end is the node's outcome. Both stand in a
 * frame of its own, in which the handler finds {@code $error}. That the body has failed is what its rows say, so nothing else has to be
 * durable. An interruption is no failure, and a BREAK goes up.
 */
record CatchRule(CatchNode node) implements Rule {

    private static final String ERROR = "error";
    private static final String COLUMNS =
            "[[\"message\",\"text\"],[\"code\",\"text\"],[\"node\",\"text\"],[\"detail\",\"text\"]]";

    @Override
    public boolean opensFrame() {
        return true;
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        decision.enter(node.body(), run);
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        boolean isHandled = child.id().equals(node.handler());
        if (isHandled) {
            decision.frames().unbind(node.id(), ERROR);
        } else if (outcome instanceof Outcome.Failed failure && FailureCode.matches(node.codes(), failure.code())) {
            decision.frames().bind(node.id(), ERROR, error(failure));
            decision.enter(node.handler(), run);
            return;
        }
        decision.end(node, outcome);
    }

    /** One row; unknown members are empty, so that a reference to one never fails the handler. */
    private static Result error(Outcome.Failed failure) {
        StringBuilder json = new StringBuilder("{\"rows\":[{\"message\":");
        Json.quote(failure.error(), json);
        member(json, "code", failure.code());
        member(json, "node", failure.node());
        member(json, "detail", failure.detail());
        return new Result(json.append("}],\"row_count\":1}").toString(), COLUMNS);
    }

    private static void member(StringBuilder json, String name, @Nullable String value) {
        json.append(",\"").append(name).append("\":");
        Json.quote(value == null ? "" : value, json);
    }
}
