package dev.perdure.store;

import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Recorded;
import dev.perdure.graph.NodeRow;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Groups the rows of {@code df._load}, one a node, into instances. */
final class LoadedRows {

    private LoadedRows() {}

    static List<LoadedInstance> read(RowSet<Row> rows) {
        Map<String, Builder> instances = new LinkedHashMap<>();
        for (Row row : rows) {
            instances
                    .computeIfAbsent(row.getString("instance_id"), id -> new Builder(id, row))
                    .add(row);
        }
        return instances.values().stream().map(Builder::build).toList();
    }

    private static final class Builder {

        private final String id;
        private final Row first;
        private final List<NodeRow> nodes = new ArrayList<>();
        private final Map<String, Recorded> recorded = new HashMap<>();
        private final List<String> strangers = new ArrayList<>();
        private @Nullable String vars;
        private @Nullable String unreadable;

        Builder(String id, Row first) {
            this.id = id;
            this.first = first;
        }

        /** One row that cannot be read must not keep the other instances of the load from being read. */
        void add(Row row) {
            try {
                addNode(row);
            } catch (RuntimeException e) {
                unreadable = "node " + row.getString("node_id") + ": " + e;
            }
        }

        private void addNode(Row row) {
            String node = row.getString("node_id");
            if (node == null) {
                return;
            }
            if (row.getString("vars") != null) {
                vars = row.getString("vars");
            }
            nodes.add(new NodeRow(
                    node,
                    row.getString("node_type"),
                    row.getString("query"),
                    row.getString("result_name"),
                    row.getString("left_node"),
                    row.getString("right_node")));
            if (!Objects.equals(row.getLong("node_submitted_by"), first.getLong("role_oid"))
                    || !Objects.equals(row.getString("node_database"), first.getString("database"))) {
                strangers.add(node);
            }
            String status = row.getString("node_status");
            recorded.put(
                    node,
                    new Recorded(
                            status == null ? NodeStatus.PENDING : NodeStatus.of(status),
                            row.getString("stamp"),
                            Boolean.TRUE.equals(row.getBoolean("canceled")),
                            row.getString("result"),
                            row.getString("result_columns"),
                            instant(row.getOffsetDateTime("wake_at")),
                            instant(row.getOffsetDateTime("started_at")),
                            row.getInteger("attempt"),
                            row.getString("bindings"),
                            row.getString("code")));
        }

        LoadedInstance build() {
            return new LoadedInstance(
                    id,
                    first.getString("root_node"),
                    first.getString("label"),
                    vars,
                    first.getString("database"),
                    first.getString("instance_status"),
                    first.getString("cancel_reason"),
                    Objects.requireNonNullElse(instant(first.getOffsetDateTime("created_at")), Instant.EPOCH),
                    new LoadedInstance.Submitter(
                            first.getLong("role_oid"),
                            first.getString("role_name"),
                            Boolean.TRUE.equals(first.getBoolean("role_blocked"))),
                    strangers,
                    nodes,
                    recorded,
                    first.getLong("definition_bytes"),
                    unreadable,
                    0,
                    Map.of(),
                    List.of(),
                    false,
                    first.getLong("definition_bytes"));
        }

        private static @Nullable Instant instant(@Nullable OffsetDateTime time) {
            return time == null ? null : time.toInstant();
        }
    }
}
