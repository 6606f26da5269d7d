package dev.perdure.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Consumption;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Result;
import dev.perdure.flow.Transition;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The JSON document that {@code df._apply} reads; its shape is described there. */
final class CheckpointDocument {

    private static final JsonFactory JSON = new JsonFactory();

    private CheckpointDocument() {}

    /**
     * Encodes a checkpoint, rows ordered by node id (the lock order).
     *
     * @param atLeastOnce nodes whose effect could not share a transaction with this checkpoint, and why
     */
    static String of(Checkpoint checkpoint, Map<String, String> atLeastOnce) {
        return of(checkpoint, atLeastOnce, false);
    }

    /**
     * Encodes checkpoints that one transaction writes, as one.
     *
     * @param checkpoints in the order in which they were decided; only the last can end the instance or its execution
     */
    static String ofChain(List<Checkpoint> checkpoints) {
        List<Transition> transitions = new ArrayList<>();
        checkpoints.forEach(checkpoint -> transitions.addAll(checkpoint.transitions()));
        Checkpoint last = checkpoints.get(checkpoints.size() - 1);
        return of(new Checkpoint(transitions, last.nextExecution(), last.end()), Map.of(), true);
    }

    private static String of(Checkpoint checkpoint, Map<String, String> atLeastOnce, boolean chain) {
        StringWriter out = new StringWriter(512);
        try (JsonGenerator json = JSON.createGenerator(out)) {
            List<Result> results = new ArrayList<>();
            List<Transition> transitions = new ArrayList<>(checkpoint.transitions());
            // Stable: a node that occurs twice is written in the order of the decisions.
            transitions.sort(Comparator.comparing(Transition::nodeId));
            json.writeStartObject();
            if (chain) {
                json.writeBooleanField("m", true);
            }
            if (onlyCompletes(transitions, atLeastOnce)
                    && checkpoint.consumed().isEmpty()
                    && checkpoint.nextExecution() == null) {
                json.writeBooleanField("f", true);
            }
            json.writeArrayFieldStart("n");
            for (Transition transition : transitions) {
                write(json, transition, results, atLeastOnce.get(transition.nodeId()));
            }
            json.writeEndArray();
            writeResults(json, results);
            writeConsumed(json, checkpoint.consumed());
            Checkpoint.NextExecution next = checkpoint.nextExecution();
            if (next != null) {
                json.writeObjectFieldStart("x");
                json.writeNumberField("n", next.number());
                writeText(json, "o", next.previousOutput());
                json.writeEndObject();
            }
            Checkpoint.InstanceEnd end = checkpoint.end();
            if (end != null) {
                json.writeStringField("t", end.status().name().toLowerCase(Locale.ROOT));
                json.writeStringField("o", end.output());
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }

    /** Whether {@code df._complete} can write them, given in the order of their ids. */
    private static boolean onlyCompletes(List<Transition> transitions, Map<String, String> atLeastOnce) {
        String last = "";
        for (Transition transition : transitions) {
            if (transition.status() != NodeStatus.COMPLETED
                    || transition.result() == null
                    || transition.error() != null
                    || transition.canceled() != null
                    || transition.wakeAt() != null
                    || transition.bindings() != null
                    || transition.code() != null
                    || atLeastOnce.containsKey(transition.nodeId())
                    || transition.nodeId().equals(last)) {
                return false;
            }
            last = transition.nodeId();
        }
        return !transitions.isEmpty();
    }

    private static void write(
            JsonGenerator json, Transition transition, List<Result> results, @Nullable String atLeastOnce)
            throws IOException {
        json.writeStartObject();
        json.writeStringField("n", transition.nodeId());
        writeText(json, "p", transition.priorStamp());
        json.writeStringField("s", transition.stamp());
        json.writeStringField("t", transition.status().text());
        Result result = transition.result();
        if (result != null && transition.status() == NodeStatus.COMPLETED) {
            json.writeNumberField("r", indexOf(results, result));
        }
        writeText(json, "e", transition.error());
        writeText(json, "x", transition.canceled());
        writeText(
                json,
                "w",
                transition.wakeAt() == null ? null : transition.wakeAt().toString());
        writeText(
                json,
                "b",
                transition.startedAt() == null ? null : transition.startedAt().toString());
        if (transition.attempt() > 0) {
            json.writeNumberField("a", transition.attempt());
        }
        writeText(json, "q", transition.executedQuery());
        if (transition.bindings() != null) {
            json.writeFieldName("d");
            json.writeRawValue(transition.bindings());
        }
        writeText(json, "o", atLeastOnce);
        writeText(json, "k", transition.code());
        json.writeEndObject();
    }

    /** In the order of their ids, which is the order of their locks. */
    private static void writeConsumed(JsonGenerator json, List<Consumption> consumed) throws IOException {
        if (consumed.isEmpty()) {
            return;
        }
        List<Consumption> ordered = new ArrayList<>(consumed);
        ordered.sort(Comparator.comparingLong(Consumption::signalId));
        json.writeArrayFieldStart("g");
        for (Consumption consumption : ordered) {
            json.writeStartObject();
            json.writeNumberField("i", consumption.signalId());
            json.writeStringField("n", consumption.nodeId());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Enclosing nodes carry the very same object: it is sent once. */
    private static int indexOf(List<Result> results, Result result) {
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i) == result) {
                return i;
            }
        }
        results.add(result);
        return results.size() - 1;
    }

    private static void writeResults(JsonGenerator json, List<Result> results) throws IOException {
        json.writeArrayFieldStart("r");
        for (Result result : results) {
            json.writeRawValue(result.json());
        }
        json.writeEndArray();
        json.writeArrayFieldStart("c");
        for (Result result : results) {
            json.writeRawValue(result.columns() == null ? "null" : result.columns());
        }
        json.writeEndArray();
    }

    private static void writeText(JsonGenerator json, String name, @Nullable String value) throws IOException {
        if (value != null) {
            json.writeStringField(name, value);
        }
    }
}
