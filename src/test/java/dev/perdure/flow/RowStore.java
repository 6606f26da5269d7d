package dev.perdure.flow;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** {@code df.nodes} and {@code df.instances} in memory: writes compare-and-set, keeps JSON as jsonb does. */
public final class RowStore {

    record Row(
            String stamp,
            NodeStatus status,
            @Nullable String result,
            @Nullable String columns,
            @Nullable String error,
            @Nullable String canceled,
            @Nullable Instant wakeAt,
            @Nullable Instant startedAt,
            int attempt,
            @Nullable String executedQuery,
            @Nullable String params,
            @Nullable String bindings,
            @Nullable String code,
            @Nullable String detail) {

        /** What must not depend on crashes: everything but times. */
        String essence() {
            return String.join(
                    "|",
                    stamp,
                    status.text(),
                    String.valueOf(result),
                    String.valueOf(columns),
                    String.valueOf(error),
                    String.valueOf(canceled),
                    String.valueOf(executedQuery),
                    String.valueOf(params),
                    String.valueOf(bindings),
                    String.valueOf(code));
        }
    }

    final Map<String, Row> rows = new TreeMap<>();
    final List<Checkpoint.NextExecution> executions = new ArrayList<>();
    final Set<Long> consumed = new HashSet<>();
    Checkpoint.@Nullable InstanceEnd end;
    int commits;
    boolean compensated;

    void commit(Checkpoint checkpoint) {
        if (checkpoint.isEmpty()) {
            return;
        }
        if (end != null) {
            throw new AssertionError("a checkpoint after the end: " + checkpoint);
        }
        Map<String, Row> written = new HashMap<>();
        for (Transition transition : checkpoint.transitions()) {
            if (written.put(transition.nodeId(), row(transition)) != null) {
                throw new AssertionError("two transitions of node " + transition.nodeId());
            }
        }
        for (Consumption consumption : checkpoint.consumed()) {
            if (!consumed.add(consumption.signalId())) {
                throw new AssertionError("consumed twice: " + consumption);
            }
        }
        commits++;
        rows.putAll(written);
        if (checkpoint.nextExecution() != null) {
            executions.add(checkpoint.nextExecution());
        }
        end = checkpoint.end();
        compensated |= checkpoint.compensated();
    }

    private Row row(Transition t) {
        Row present = rows.get(t.nodeId());
        String stamp = present == null ? null : present.stamp();
        boolean matches = Objects.equals(stamp, t.priorStamp())
                || t.stamp().equals(stamp)
                        && present != null
                        && !present.status().isTerminal();
        if (!matches) {
            throw new AssertionError("stale: " + t + " on " + present);
        }
        if (ActivationId.fences(stamp, t.stamp())) {
            throw new AssertionError("fenced: " + t + " on " + present);
        }
        String result = t.result() != null
                ? t.result().json()
                : t.status() == NodeStatus.FAILED ? Json.quoted(Objects.requireNonNull(t.error())) : null;
        return new Row(
                t.stamp(),
                t.status(),
                jsonb(result),
                t.result() == null ? null : jsonb(t.result().columns()),
                t.error(),
                t.canceled(),
                t.wakeAt(),
                t.startedAt(),
                t.attempt(),
                t.executedQuery(),
                t.params(),
                jsonb(t.bindings()),
                t.code(),
                t.detail());
    }

    void mark(InstanceState.Unmarked mark) {
        Row present = rows.get(mark.nodeId());
        if (Objects.equals(present == null ? null : present.stamp(), mark.priorStamp())) {
            rows.put(
                    mark.nodeId(),
                    new Row(
                            mark.stamp(),
                            NodeStatus.RUNNING,
                            null,
                            null,
                            null,
                            null,
                            null,
                            null,
                            0,
                            null,
                            null,
                            null,
                            null,
                            null));
        } else {
            throw new AssertionError("stale mark " + mark + " on " + present);
        }
    }

    Map<String, NodeRecord> recorded() {
        Map<String, NodeRecord> recorded = new HashMap<>();
        rows.forEach((id, row) -> recorded.put(
                id,
                new NodeRecord(
                        row.status(),
                        row.stamp(),
                        row.canceled() != null,
                        row.status() == NodeStatus.RUNNING && row.error() != null
                                ? Json.quoted(row.error())
                                : row.result(),
                        row.columns(),
                        row.wakeAt(),
                        row.startedAt(),
                        row.attempt(),
                        row.bindings(),
                        row.code(),
                        row.detail())));
        return recorded;
    }

    Map<String, String> essence(boolean terminalOnly) {
        Map<String, String> essence = new TreeMap<>();
        rows.forEach((id, row) -> {
            if (!terminalOnly || row.status().isTerminal()) {
                essence.put(id, row.essence());
            }
        });
        return essence;
    }

    /** As PostgreSQL prints jsonb; written apart from {@link Json} so that the two check each other. */
    public static @Nullable String jsonb(@Nullable String text) {
        if (text == null) {
            return null;
        }
        JsonNode node = Json.parse(text);
        if (node == null) {
            throw new AssertionError("not JSON: " + text);
        }
        return jsonb(node);
    }

    private static String jsonb(JsonNode node) {
        if (node.isObject()) {
            TreeMap<String, JsonNode> members = new TreeMap<>((a, b) -> {
                byte[] x = a.getBytes(StandardCharsets.UTF_8);
                byte[] y = b.getBytes(StandardCharsets.UTF_8);
                return x.length == y.length ? Arrays.compareUnsigned(x, y) : Integer.compare(x.length, y.length);
            });
            node.fieldNames().forEachRemaining(name -> members.put(name, node.get(name)));
            return members.entrySet().stream()
                    .map(e -> Json.quoted(e.getKey()) + ": " + jsonb(e.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
        if (node.isArray()) {
            return StreamSupport.stream(node.spliterator(), false)
                    .map(RowStore::jsonb)
                    .collect(Collectors.joining(", ", "[", "]"));
        }
        return node.isNumber()
                ? node.decimalValue().toPlainString()
                : node.isTextual() ? Json.quoted(node.textValue()) : node.asText();
    }
}
