package dev.perdure.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.graph.GraphDocument;
import dev.perdure.graph.NodeRow;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads rows of {@code df._load}, one an instance, of either driver. */
final class LoadedRows {

    private static final JsonMapper JSON = new JsonMapper();

    private LoadedRows() {}

    static List<LoadedInstance> read(RowSet<Row> rows) {
        List<LoadedInstance> loaded = new ArrayList<>(rows.size());
        for (Row row : rows) {
            loaded.add(read(Columns.of(row)));
        }
        return loaded;
    }

    static LoadedInstance read(Columns row) {
        String id = Objects.requireNonNull(row.text("instance_id"));
        String rootNode = Objects.requireNonNull(row.text("root_node"));
        long role = Objects.requireNonNull(row.number("role_oid"));
        String database = row.text("database");
        States states = new States();
        List<NodeRow> nodes = new ArrayList<>();
        List<String> strangers = new ArrayList<>();
        String unreadable = null;
        try {
            String graph = row.text("graph");
            if (graph != null) {
                nodes.addAll(GraphDocument.rows(rootNode, graph));
            }
            String byHand = row.text("nodes");
            if (graph == null && byHand != null) {
                readByHand(byHand, role, database, nodes, strangers);
            }
            Integer[] versions = row.numbers("versions");
            String[] texts = row.texts("states");
            for (int i = 0; versions != null && texts != null && i < versions.length; i++) {
                states.add(versions[i], texts[i]);
            }
            states.mark(row.text("marks"));
        } catch (RuntimeException | StackOverflowError e) {
            // Whatever its rows say, those of others were read with them.
            unreadable = "Instance " + id + " cannot be read: "
                    + (e instanceof IllegalArgumentException ? e.getMessage() : e.toString());
        }
        return new LoadedInstance(
                id,
                rootNode,
                row.text("label"),
                row.text("vars"),
                database,
                Objects.requireNonNull(row.text("instance_status")),
                row.text("cancel_reason"),
                Objects.requireNonNullElse(instant(row.time("created_at")), Instant.EPOCH),
                Objects.requireNonNullElse(row.number("execution_count"), 1L),
                new LoadedInstance.Submitter(role, row.text("role_name"), row.isTrue("role_blocked")),
                strangers,
                nodes,
                states.recorded,
                Objects.requireNonNull(row.number("definition_bytes")),
                unreadable,
                states.version,
                states.versionOfNode,
                states.emptyVersions(),
                states.isMarked,
                Objects.requireNonNull(row.number("bytes")),
                row.isTrue("is_large"));
    }

    private static @Nullable Instant instant(@Nullable OffsetDateTime time) {
        return time == null ? null : time.toInstant();
    }

    private static void readByHand(
            String json, long role, @Nullable String database, List<NodeRow> nodes, List<String> strangers) {
        for (String element : JsonSlices.elements(json)) {
            Map<String, String> node = JsonSlices.members(element);
            String nodeId = Objects.requireNonNull(text(node.get("id")));
            nodes.add(new NodeRow(
                    nodeId,
                    Objects.requireNonNull(text(node.get("node_type"))),
                    text(node.get("query")),
                    text(node.get("result_name")),
                    text(node.get("left_node")),
                    text(node.get("right_node"))));
            if (!Long.toString(role).equals(text(node.get("submitted_by")))
                    || !Objects.equals(database, text(node.get("database")))) {
                strangers.add(nodeId);
            }
        }
    }

    /** The flow on record, from checkpoints in the order of their versions, and marks. */
    static RecordedFlow flow(Integer @Nullable [] versions, String @Nullable [] texts, @Nullable String marks) {
        if (versions == null && marks == null) {
            return RecordedFlow.NONE;
        }
        States states = new States();
        for (int i = 0; versions != null && texts != null && i < versions.length; i++) {
            states.add(versions[i], texts[i]);
        }
        states.mark(marks);
        return new RecordedFlow(states.recorded, states.versionOfNode, states.emptyVersions(), states.isMarked);
    }

    /** The text that a value is: without the quotes, if it is a string; null for null and for none. */
    private static @Nullable String text(@Nullable String slice) {
        if (slice == null || slice.equals("null")) {
            return null;
        }
        if (slice.charAt(0) != '"') {
            return slice;
        }
        try {
            return JSON.readValue(slice, String.class);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a JSON string", e);
        }
    }

    /** The states of the nodes in checkpoints and marks; the later ones win. */
    private static final class States {

        private final Map<String, NodeRecord> recorded = new HashMap<>();
        private final Map<String, Integer> versionOfNode = new HashMap<>();
        private final List<Integer> speaking = new ArrayList<>();
        private int version;
        private boolean isMarked;

        void add(int version, String state) {
            this.version = Math.max(this.version, version);
            Map<String, String> parts = JsonSlices.members(state);
            if (parts.isEmpty()) {
                return; // a claim, which stays
            }
            speaking.add(version);
            List<String> results = JsonSlices.elements(parts.getOrDefault("results", "[]"));
            List<String> columns = JsonSlices.elements(parts.getOrDefault("columns", "[]"));
            JsonSlices.members(parts.getOrDefault("nodes", "{}")).forEach((node, entry) -> {
                versionOfNode.put(node, version);
                recorded.put(node, recorded(JsonSlices.members(entry), results, columns));
            });
        }

        /** Rows all of whose entries were superseded. */
        List<Integer> emptyVersions() {
            List<Integer> empty = new ArrayList<>(speaking);
            empty.removeAll(versionOfNode.values());
            return empty;
        }

        private static NodeRecord recorded(Map<String, String> entry, List<String> results, List<String> columns) {
            NodeStatus status = NodeStatus.of(Objects.requireNonNull(text(entry.get("status"))));
            String index = text(entry.get("result"));
            String result = null;
            String columnsOfResult = null;
            // Of a running one how its latest attempt, or round, failed.
            if (status == NodeStatus.FAILED || status == NodeStatus.RUNNING) {
                result = entry.get("error");
            } else if (index != null) {
                result = results.get(Integer.parseInt(index));
                columnsOfResult = columns.get(Integer.parseInt(index));
            }
            return new NodeRecord(
                    status,
                    text(entry.get("execution_id")),
                    entry.containsKey("canceled"),
                    result,
                    "null".equals(columnsOfResult) ? null : columnsOfResult,
                    instant(text(entry.get("wake_at"))),
                    instant(text(entry.get("started_at"))),
                    attempt(text(entry.get("attempt"))),
                    entry.get("bindings"),
                    text(entry.get("code")),
                    text(entry.get("detail")));
        }

        /** A mark that counts shows its node as running. */
        void mark(@Nullable String marks) {
            if (marks == null) {
                return;
            }
            isMarked = true;
            for (String element : JsonSlices.elements(marks)) {
                Map<String, String> mark = JsonSlices.members(element);
                String stamp = text(mark.get("execution_id"));
                if (stamp == null) {
                    continue;
                }
                recorded.merge(
                        Objects.requireNonNull(text(mark.get("node"))),
                        new NodeRecord(
                                NodeStatus.RUNNING,
                                stamp,
                                false,
                                null,
                                null,
                                null,
                                instant(text(mark.get("started_at"))),
                                attempt(text(mark.get("attempt"))),
                                null,
                                null,
                                null),
                        NodeRecord::marked);
            }
        }

        private static int attempt(@Nullable String text) {
            return text == null ? 0 : Integer.parseInt(text);
        }

        private static @Nullable Instant instant(@Nullable String text) {
            return text == null ? null : JsonTime.parse(text);
        }
    }
}
