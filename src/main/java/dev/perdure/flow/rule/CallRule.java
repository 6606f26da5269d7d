package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.flow.Activation;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.Execution;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Parameter;
import dev.perdure.flow.template.Statement;
import dev.perdure.flow.template.Substitution;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.CallNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * CALL: starts a child, and waits for its end. The statement that starts it is a step of the submitter, and its checkpoint is the row that
 * says which child there is: so there is one, whatever crashes. The end of the child is a signal ({@code R__24_definitions.sql}).
 */
record CallRule(CallNode node) implements LeafRule {

    static final String BEGIN =
            "SELECT df._begin_call($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text) AS child";

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        // Marks say that it runs, too; but only the checkpoint of its statement knows a child.
        if (row != null && row.status() == NodeStatus.RUNNING && row.bindings() != null) {
            decision.awaitSignal(node, run, node.awaitedSignal(run.stamp()), null);
            return;
        }
        Statement statement;
        try {
            statement = statement(decision.substitution(node, run), run.stamp());
        } catch (SubstitutionException e) {
            decision.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        int attempt = row == null ? 0 : row.attempt();
        decision.perform(node, run, new Effect.RunSql(new Activation(node.id(), run.stamp()), statement, attempt));
    }

    private Statement statement(Substitution substitution, String stamp) {
        List<Parameter> parameters = new ArrayList<>();
        String version = node.version() == null ? null : String.valueOf(node.version());
        parameters.add(text(node.name()));
        parameters.add(text(Json.write(filled(Objects.requireNonNull(Json.parse(node.args())), substitution))));
        parameters.add(version == null ? new Parameter(null, "null") : text(version));
        parameters.add(text(stamp.substring(0, stamp.indexOf("::"))));
        parameters.add(text(node.id()));
        parameters.add(text(stamp));
        parameters.add(text(node.awaitedSignal(stamp)));
        return new Statement(BEGIN, List.copyOf(parameters));
    }

    private static Parameter text(String text) {
        return new Parameter(text, Json.quoted(text));
    }

    /** Each string is a template, as a parameter of a statement is. */
    private static JsonNode filled(JsonNode value, Substitution substitution) {
        if (value.isTextual()) {
            Parameter parameter = substitution
                    .statement("", List.of(value.textValue()))
                    .parameters()
                    .get(0);
            JsonNode filled = Json.parse(parameter.json());
            return filled == null ? JsonNodeFactory.instance.nullNode() : filled;
        }
        if (value.isObject()) {
            ObjectNode filled = JsonNodeFactory.instance.objectNode();
            value.fieldNames().forEachRemaining(name -> filled.set(name, filled(value.path(name), substitution)));
            return filled;
        }
        if (value.isArray()) {
            ArrayNode filled = JsonNodeFactory.instance.arrayNode();
            value.forEach(element -> filled.add(filled(element, substitution)));
            return filled;
        }
        return value;
    }

    /** Its child ends with it. */
    @Override
    public boolean hasItems() {
        return true;
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.StepSucceeded step && run.phase() == Running.Phase.STEP) {
            JsonNode begun = Json.parse(step.result().json());
            String child = begun == null
                    ? ""
                    : begun.path("rows").path(0).path("child").asText();
            decision.persistRunning(node, run, null, "{\"child\":" + Json.quoted(child) + "}");
            decision.awaitSignal(node, run, node.awaitedSignal(run.stamp()), null);
        } else if (event instanceof Event.StepFailed step) {
            decision.end(
                    node,
                    new Outcome.Failed(step.message(), step.sqlState(), null, step.detail(), null),
                    // The statement is ours: it says nothing to who reads of the failure.
                    new Execution(step.startedAt(), step.attempt(), null, null, step.remark()));
        } else if (event instanceof Event.SignalReceived signal) {
            decision.consume(signal.signalId(), node);
            decision.end(node, outcome(signal.data()));
        }
    }

    private Outcome outcome(String data) {
        JsonNode end = Json.parse(data);
        if (end == null || !end.isObject()) {
            return failed("The end of the child of df.call is no JSON object");
        }
        String child =
                "Child " + end.path("child").asText() + " (" + end.path("name").asText() + ")";
        if (!end.path("status").asText().equals("completed")) {
            return failed(child + " " + (end.path("status").asText().equals("failed") ? "failed: " : "was cancelled: ")
                    + end.path("error").asText());
        }
        JsonNode result = end.get("result");
        if (end.has("bytes")) {
            return failed(child + ": its result has " + end.get("bytes").asText()
                    + " bytes, and at most 1000000 are handed to the parent. Put large values into a table.");
        }
        JsonNode columns = end.get("columns");
        String json = result == null ? "null" : Json.write(result);
        return new Outcome.Succeeded(
                new Result(json, columns == null || columns.isNull() ? null : Json.write(columns)));
    }

    private Outcome failed(String message) {
        return new Outcome.Failed(message, FailureCode.CHILD, null, null, null);
    }
}
