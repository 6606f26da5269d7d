package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.Assignment;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.Frame;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Substitution;
import dev.perdure.flow.template.SubstitutionException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The common part of ACTIVITY and APPROVAL: a program or a person decides the node. What they are shown is written down with the row that
 * says that it waits; the answer is a signal, which their own transaction writes ({@code R__30_activities.sql}).
 */
interface AssignmentRule extends LeafRule {

    /** The mark, in the row of a failure, that it must not be tried again. */
    String FINAL = "{\"final\":true}";

    /**
     * The assignment, as programs and people see it.
     *
     * @throws SubstitutionException when a reference cannot be resolved
     */
    Assignment assignment(Substitution substitution, Running run);

    @Override
    default void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (row != null && row.status() == NodeStatus.FAILED && isFinal(row.bindings())) {
            end(decision, run, new Outcome.Failed(LeafRule.error(row), row.code(), node().id(), null, null, true));
        } else {
            LeafRule.super.enter(decision, run, row);
        }
    }

    @Override
    default void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (row == null || row.status() != NodeStatus.RUNNING) {
            try {
                decision.assign(assignment(decision.substitution(node(), run), run));
            } catch (SubstitutionException e) {
                decision.end(node(), new Outcome.Failed(String.valueOf(e.getMessage())));
                return;
            }
            decision.persistRunning(node(), run, null, null);
        }
        decision.awaitSignal(node(), run, reply(run), null);
    }

    /** The name of the signal that ends it. */
    default String reply(Running run) {
        return Objects.requireNonNull(node().awaitedSignal(run.stamp()));
    }

    /** Its rows end with it. */
    @Override
    default boolean hasItems() {
        return true;
    }

    @Override
    default void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.SignalReceived signal) {
            decision.consume(signal.signalId(), node());
            end(decision, run, outcome(signal.data()));
        }
    }

    private void end(DecisionBuilder decision, Running run, Outcome outcome) {
        if (outcome instanceof Outcome.Failed failure && failure.isFinal()) {
            decision.continueAs(node(), run.in(Running.Phase.OVER, null));
        }
        decision.end(node(), outcome);
    }

    @Override
    default @Nullable String bindings(Running run, Frame frame) {
        return run.phase() == Running.Phase.OVER ? FINAL : null;
    }

    private static boolean isFinal(@Nullable String bindings) {
        JsonNode kept = bindings == null ? null : Json.parse(bindings);
        return kept != null && kept.path("final").asBoolean();
    }

    private Outcome outcome(String data) {
        JsonNode answer = Json.parse(data);
        JsonNode result = answer == null ? null : answer.get("completed");
        if (result != null) {
            return new Outcome.Succeeded(new Result(Json.canonical(Json.write(result)), null));
        }
        if (answer == null || !answer.path("failed").isTextual()) {
            return new Outcome.Failed("The answer to " + node().type() + " is neither a result nor a failure");
        }
        return new Outcome.Failed(
                answer.path("failed").textValue(),
                answer.path("code").textValue(),
                null,
                null,
                null,
                answer.path("final").asBoolean());
    }
}
