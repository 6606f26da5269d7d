package dev.perdure.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Consumption;
import dev.perdure.flow.EventWait;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Transition;
import dev.perdure.flow.result.Result;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes the two texts of a checkpoint, for both writers: the owner ({@code df._write}) and the session of a step ({@code df.checkpoint}).
 * The shape is described at {@code df._checkpoints.state} and {@code df._also}.
 */
public final class CheckpointEncoder {

    private static final JsonFactory JSON = new JsonFactory();
    private static final String CLAIM = "{}";

    private CheckpointEncoder() {}

    /** The texts of a checkpoint. */
    public static CheckpointText encode(CheckpointRequest request) {
        boolean saysNothing = request.checkpoints().isEmpty() || request.item() != null && isForgotten(request);
        String state = saysNothing ? CLAIM : print(json -> writeState(json, request));
        String also = print(json -> writeAlso(json, request));
        return new CheckpointText(request.instance(), request.version(), state, also.equals("{}") ? null : also);
    }

    /** The text of items that complete together, see {@code df.checkpoint_items}. */
    public static String encodeItems(List<CheckpointRequest> items) {
        StringWriter out = new StringWriter(512);
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartArray();
            for (CheckpointRequest request : items) {
                CheckpointRequest.Item item = Objects.requireNonNull(request.item(), "a checkpoint of an item");
                json.writeStartObject();
                json.writeNumberField("first", item.key().first());
                json.writeNumberField("last", item.key().last());
                writeTime(json, "started_at", request.startedAt());
                writeEnd(json, request, item);
                json.writeEndObject();
            }
            json.writeEndArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }

    /** Writes the members of an object. */
    private interface Members {
        void write(JsonGenerator json) throws IOException;
    }

    private static String print(Members members) {
        StringWriter out = new StringWriter(512);
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            members.write(json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }

    private static void writeState(JsonGenerator json, CheckpointRequest request) throws IOException {
        Map<String, Transition> last = new LinkedHashMap<>();
        for (Checkpoint checkpoint : request.checkpoints()) {
            for (Transition transition : checkpoint.transitions()) {
                last.merge(transition.nodeId(), transition, CheckpointEncoder::after);
            }
        }
        List<Result> results = new ArrayList<>();
        json.writeObjectFieldStart("nodes");
        for (Transition transition : last.values()) {
            json.writeObjectFieldStart(transition.nodeId());
            write(json, transition, results, request.atLeastOnce().get(transition.nodeId()));
            json.writeEndObject();
        }
        json.writeEndObject();
        if (!results.isEmpty()) {
            json.writeArrayFieldStart("results");
            for (Result result : results) {
                json.writeRawValue(result.json());
            }
            json.writeEndArray();
            json.writeArrayFieldStart("columns");
            for (Result result : results) {
                json.writeRawValue(result.columns() == null ? "null" : result.columns());
            }
            json.writeEndArray();
        }
    }

    /** Merges two transitions of a node in a chain: the earlier one fills the gaps of the later one for the same execution. */
    private static Transition after(Transition first, Transition then) {
        if (!first.stamp().equals(then.stamp()) || then.startedAt() != null) {
            return then;
        }
        return new Transition(
                then.nodeId(),
                then.priorStamp(),
                then.stamp(),
                then.status(),
                then.result(),
                then.error(),
                then.canceled(),
                then.wakeAt(),
                first.startedAt(),
                then.attempt() == 0 ? first.attempt() : then.attempt(),
                then.executedQuery(),
                then.params(),
                then.bindings(),
                then.code(),
                then.detail(),
                then.remark());
    }

    private static void write(
            JsonGenerator json, Transition transition, List<Result> results, @Nullable String atLeastOnce)
            throws IOException {
        json.writeStringField("execution_id", transition.stamp());
        json.writeStringField("status", transition.status().text());
        Result result = transition.result();
        if (result != null && transition.status() == NodeStatus.COMPLETED) {
            json.writeNumberField("result", indexOf(results, result));
        }
        writeText(json, "error", transition.error());
        writeText(json, "canceled", transition.canceled());
        writeTime(json, "wake_at", transition.wakeAt());
        writeTime(json, "started_at", transition.startedAt());
        if (transition.attempt() > 0) {
            json.writeNumberField("attempt", transition.attempt());
        }
        writeText(json, "executed_query", transition.executedQuery());
        if (transition.params() != null) {
            json.writeFieldName("params");
            json.writeRawValue(transition.params());
        }
        if (transition.bindings() != null) {
            json.writeFieldName("bindings");
            json.writeRawValue(transition.bindings());
        }
        writeText(json, "at_least_once", atLeastOnce);
        writeText(json, "code", transition.code());
        writeText(json, "detail", transition.detail());
        FailedStepDocument.write(json, transition.remark());
    }

    /** The index of a result, which is sent once: enclosing nodes carry the very same object. */
    private static int indexOf(List<Result> results, Result result) {
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i) == result) {
                return i;
            }
        }
        results.add(result);
        return results.size() - 1;
    }

    /** Whether an item has ended, and its nodes are no longer needed: df.redrive continues a failed item from them. */
    private static boolean isForgotten(CheckpointRequest request) {
        for (Checkpoint checkpoint : request.checkpoints()) {
            if (checkpoint.end() != null) {
                return checkpoint.end().status() == Checkpoint.InstanceEnd.Status.COMPLETED
                        || request.version() == 1 && hasCompletedNothing(request);
            }
        }
        return false;
    }

    private static boolean hasCompletedNothing(CheckpointRequest request) {
        return request.checkpoints().stream()
                .flatMap(checkpoint -> checkpoint.transitions().stream())
                .noneMatch(transition -> transition.status() == NodeStatus.COMPLETED);
    }

    /** Writes the kept part of an item: the end of its flow, and the attempts of its last step. */
    private static void writeItem(
            JsonGenerator json,
            CheckpointRequest request,
            CheckpointRequest.Item item,
            Checkpoint.@Nullable InstanceEnd end)
            throws IOException {
        if (item.key().size() > 1) {
            json.writeNumberField("last", item.key().last());
        }
        if (end == null) {
            return;
        }
        json.writeObjectFieldStart("item");
        Transition root = writeEnd(json, request, item);
        if (end.status() != Checkpoint.InstanceEnd.Status.COMPLETED) {
            json.writeStringField("error", end.output());
            writeText(json, "code", root == null ? null : root.code());
            if (end.step() != null) {
                json.writeObjectFieldStart("failure");
                FailedStepDocument.write(json, end.step());
                json.writeEndObject();
            }
        }
        json.writeEndObject();
    }

    /** Writes attempt and result, and returns the transition of the root. */
    private static @Nullable Transition writeEnd(
            JsonGenerator json, CheckpointRequest request, CheckpointRequest.Item item) throws IOException {
        int attempt = 0;
        Transition root = null;
        for (Checkpoint checkpoint : request.checkpoints()) {
            for (Transition transition : checkpoint.transitions()) {
                attempt = transition.attempt() > 0 ? transition.attempt() : attempt;
                root = transition.nodeId().equals(item.root()) ? transition : root;
            }
        }
        if (attempt > 0) {
            json.writeNumberField("attempt", attempt);
        }
        if (root != null && root.result() != null) {
            json.writeFieldName("result");
            json.writeRawValue(root.result().json());
        }
        return root;
    }

    private static void writeMaps(JsonGenerator json, List<Checkpoint> checkpoints) throws IOException {
        List<Activation> ended = checkpoints.stream()
                .flatMap(checkpoint -> checkpoint.endedMaps().stream())
                .toList();
        if (ended.isEmpty()) {
            return;
        }
        json.writeArrayFieldStart("maps");
        for (Activation map : ended) {
            json.writeStartObject();
            json.writeStringField("node", map.nodeId());
            json.writeStringField("execution_id", map.stamp());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void writeAlso(JsonGenerator json, CheckpointRequest request) throws IOException {
        writeConsumed(json, request.checkpoints());
        writeEventWaits(json, request.checkpoints());
        AssignmentDocument.write(json, request.checkpoints());
        writeMaps(json, request.checkpoints());
        Checkpoint.InstanceEnd end = null;
        for (Checkpoint checkpoint : request.checkpoints()) {
            Checkpoint.NextExecution next = checkpoint.nextExecution();
            if (next != null) {
                json.writeObjectFieldStart("execution");
                json.writeNumberField("number", next.number());
                writeText(json, "output", next.previousOutput());
                json.writeEndObject();
            }
            end = checkpoint.end() == null ? end : checkpoint.end();
        }
        if (end != null) {
            json.writeObjectFieldStart("end");
            json.writeStringField("status", end.status().name().toLowerCase(Locale.ROOT));
            if (request.item() == null) {
                json.writeStringField("output", end.output());
            }
            writeTime(json, "started_at", request.startedAt());
            json.writeEndObject();
        } else if (request.item() == null) {
            writePark(json, request.park());
        }
        if (request.item() != null) {
            writeItem(json, request, request.item(), end);
        }
        if (!request.superseded().isEmpty()) {
            json.writeArrayFieldStart("superseded");
            for (int version : request.superseded()) {
                json.writeNumber(version);
            }
            json.writeEndArray();
        }
        // Not before: a term that ends in between has to find a cancelled instance that sleeps.
        if (request.isCancelled() && end != null) {
            json.writeBooleanField("cancelled", true);
        }
        if (request.checkpoints().stream().anyMatch(Checkpoint::compensated)) {
            json.writeBooleanField("compensated", true);
        }
        if (request.isMarked() && end != null) {
            json.writeBooleanField("marked", true);
        }
        if (request.checkpoints().size() > 1) {
            json.writeBooleanField("shared", true);
        }
    }

    /** Writes consumed signals in the order of their ids, which is the order of their locks. */
    private static void writeConsumed(JsonGenerator json, List<Checkpoint> checkpoints) throws IOException {
        List<Consumption> consumed = new ArrayList<>();
        checkpoints.forEach(checkpoint -> consumed.addAll(checkpoint.consumed()));
        if (consumed.isEmpty()) {
            return;
        }
        consumed.sort(Comparator.comparingLong(Consumption::signalId));
        json.writeArrayFieldStart("signals");
        for (Consumption consumption : consumed) {
            json.writeStartObject();
            json.writeNumberField("id", consumption.signalId());
            json.writeStringField("node", consumption.nodeId());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Writes the last wait of each node, over all decisions of a chain. */
    private static void writeEventWaits(JsonGenerator json, List<Checkpoint> checkpoints) throws IOException {
        Map<String, EventWait> waits = new LinkedHashMap<>();
        checkpoints.forEach(checkpoint -> checkpoint.eventWaits().forEach(wait -> waits.put(wait.nodeId(), wait)));
        if (waits.isEmpty()) {
            return;
        }
        json.writeArrayFieldStart("waits");
        for (EventWait wait : waits.values()) {
            json.writeStartObject();
            json.writeStringField("node", wait.nodeId());
            writeText(json, "instance", wait.publisher());
            json.writeStringField("name", wait.name());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void writePark(JsonGenerator json, Park park) throws IOException {
        if (park instanceof Park.Awake) {
            json.writeNullField("wake_at");
        } else if (park instanceof Park.Until until) {
            writeTime(json, "wake_at", until.wakeAt());
        } else if (park instanceof Park.ForSignals) {
            json.writeStringField("wake_at", "infinity");
        }
    }

    private static void writeText(JsonGenerator json, String name, @Nullable String value) throws IOException {
        if (value != null) {
            json.writeStringField(name, value);
        }
    }

    private static void writeTime(JsonGenerator json, String name, @Nullable Instant time) throws IOException {
        if (time != null) {
            json.writeStringField(name, JsonTime.print(time));
        }
    }
}
