package dev.perdure.flow;

import dev.perdure.graph.BreakNode;
import org.jspecify.annotations.Nullable;

/** BREAK: leaves the nearest enclosing loop with a value (specification 4.7). */
record BreakRule(BreakNode node) implements LeafRule {

    @Override
    public void begin(Turn turn, Running run, @Nullable Recorded row) {
        try {
            turn.end(node, new Outcome.Broke(new Result(value(turn, run), null)));
        } catch (SubstitutionException e) {
            turn.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
        }
    }

    @Override
    public Outcome completed(Result result) {
        return new Outcome.Broke(result);
    }

    /** Text that is JSON is that JSON, other text a JSON string. */
    private String value(Turn turn, Running run) {
        if (node.value() == null) {
            return "null";
        }
        String text = turn.substitution(run).raw(node.value());
        return Json.parse(text) == null ? Json.quoted(text) : Json.canonical(text);
    }
}
