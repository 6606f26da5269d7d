package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.Activation;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.Execution;
import dev.perdure.flow.Frame;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.template.Parameter;
import dev.perdure.flow.template.Statement;
import dev.perdure.flow.template.Substitution;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.Node;
import dev.perdure.graph.SectionNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * WITH_QUEUE: asks for a slot, waits for it, and then its body. The statement that asks is a step of the submitter, and its checkpoint is
 * the row that says that the node waits; it has the key, which is resolved there and nowhere else. The slot is given by a signal ({@code
 * R__29_sections.sql}), from whose commit on the row says that the body runs. The decision that ends the node gives the slot back. Names
 * stay in the frame that it stands in.
 */
record SectionRule(SectionNode node) implements Rule {

    static final String ASK =
            "SELECT df._ask_for_slot($1::text, $2::text, $3::text, $4::text, $5::text, $6::text) AS queue";

    private static final String WAITS = "{\"slot\": false}";
    private static final String HAS_SLOT = "{\"slot\": true}";

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (row == null) {
            ask(decision, run, 0);
        } else if (hadSlot(row)) {
            decision.enter(node.body(), inSlot(decision, run));
        } else if (row.canceled()) {
            decision.continueAs(node, run.in(Running.Phase.BLOCKED, null));
        } else if (row.status() == NodeStatus.FAILED) {
            decision.end(node, new Outcome.Failed(LeafRule.error(row), row.code(), node.id(), row.detail(), null));
        } else if (row.bindings() != null) {
            decision.awaitSignal(node, run, node.awaitedSignal(run.stamp()), null);
        } else {
            // A mark that it runs, of before its statement was committed.
            ask(decision, run, row.attempt());
        }
    }

    private static boolean hadSlot(NodeRecord row) {
        JsonNode known = row.bindings() == null ? null : Json.parse(row.bindings());
        return known != null && known.path("slot").asBoolean();
    }

    private void ask(DecisionBuilder decision, Running run, int attempt) {
        Statement statement;
        try {
            statement = statement(decision.substitution(node, run), run.stamp());
        } catch (SubstitutionException e) {
            decision.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        decision.perform(node, run, new Effect.RunSql(new Activation(node.id(), run.stamp()), statement, attempt));
    }

    private Statement statement(Substitution substitution, String stamp) {
        String key = node.key();
        Parameter filled = key == null
                ? new Parameter(null, "null")
                : substitution.statement("", List.of(key)).parameters().get(0);
        return new Statement(
                ASK,
                List.of(
                        text(node.queue()),
                        filled,
                        text(stamp.substring(0, stamp.indexOf("::"))),
                        text(node.id()),
                        text(stamp),
                        text(node.awaitedSignal(stamp))));
    }

    private static Parameter text(String text) {
        return new Parameter(text, Json.quoted(text));
    }

    private Running inSlot(DecisionBuilder decision, Running run) {
        return decision.continueAs(node, run.in(Running.Phase.IN_SLOT, null));
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.StepSucceeded && run.phase() == Running.Phase.STEP) {
            decision.persistRunning(node, run, null, WAITS);
            decision.awaitSignal(node, run, node.awaitedSignal(run.stamp()), null);
        } else if (event instanceof Event.StepFailed step) {
            decision.end(
                    node,
                    new Outcome.Failed(step.message(), step.sqlState(), null, step.detail(), null),
                    // The statement is ours: it says nothing to who reads of the failure.
                    new Execution(step.startedAt(), step.attempt(), null, null, step.remark()));
        } else if (event instanceof Event.SignalReceived signal) {
            decision.consume(signal.signalId(), node);
            Running begun = inSlot(decision, run);
            decision.persistRunning(node, begun, null, HAS_SLOT);
            decision.enter(node.body(), begun);
        }
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        NodeRecord row = decision.recorded(node.id());
        boolean isOfThis = row != null && run.stamp().equals(row.stamp());
        if (isOfThis && row.canceled()) {
            return;
        }
        if (!isOfThis || !row.status().isTerminal()) {
            decision.endMap(new Activation(node.id(), run.stamp()));
        }
        decision.end(node, outcome);
    }

    /** Its place in the queue ends with it. */
    @Override
    public boolean hasItems() {
        return true;
    }

    /** Names that its body has bound are visible outside of it. */
    @Override
    public boolean isEnteredWhenInterrupted() {
        return true;
    }

    @Override
    public @Nullable String bindings(Running run, Frame frame) {
        return run.phase() == Running.Phase.IN_SLOT ? HAS_SLOT : null;
    }
}
