package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.BreakNode;
import org.jspecify.annotations.Nullable;

/** BREAK: leaves the nearest enclosing loop with a value (specification 4.7). */
record BreakRule(BreakNode node) implements LeafRule {

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        try {
            decision.end(node, new Outcome.Broke(new Result(value(decision, run), null)));
        } catch (SubstitutionException e) {
            decision.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
        }
    }

    @Override
    public Outcome completed(Result result) {
        return new Outcome.Broke(result);
    }

    /** Text that is JSON is that JSON, other text a JSON string. */
    private String value(DecisionBuilder decision, Running run) {
        if (node.value() == null) {
            return "null";
        }
        String text = decision.substitution(node, run).raw(node.value());
        return Json.parse(text) == null ? Json.quoted(text) : Json.canonical(text);
    }
}
