package dev.perdure.web.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.graph.GraphDocument;
import dev.perdure.graph.NodeRow;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The nodes of an instance that has many: the graph is read here, and the server tells the record of each node in a few milliseconds.
 * df.explain, whose marks and notes smaller instances have, takes seconds for 10,000. So these nodes have no notes.
 */
final class LargeInstance {

    /** Of more nodes than this. */
    private static final int MANY = 300;

    private static final int SHOWN = 50;
    private static final int SHOWN_OF_ERROR = 200;

    private static final String GRAPH =
            """
            SELECT pg_catalog.json_build_object('root', i.root_node, 'graph', i.graph, 'status', i.status,
                'undoing', i.status IN ('pending', 'running') AND pg_catalog.strpos(i.graph, '"SAGA"') > 0,
                'ended', i.status IN ('completed', 'failed', 'cancelled') AND i.output IS NOT NULL)
            FROM df.instances i WHERE i.id = ? AND (pg_catalog.length(i.graph)
                - pg_catalog.length(pg_catalog.replace(i.graph, '"node_type"', ''))) / pg_catalog.length('"node_type"') > MANY
            """
                    .replace("MANY", Integer.toString(MANY));

    private static final String STATES =
            """
            SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(s.node_id, s.execution_id, s.status, s.canceled, s.attempt, s.started_at, s.updated_at,
                pg_catalog.left(s.error, SHOWN), s.code, s.marked)), '[]')
            FROM df._node_states s WHERE s.instance_id = ?
            """
                    .replace("SHOWN", Integer.toString(SHOWN_OF_ERROR));

    private static final String MAPS =
            """
            SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('node', p.node_id, 'progress', pg_catalog.json_build_object(
                'total', p.total, 'completed', p.completed, 'failed', p.failed)) ORDER BY p.generation), '[]')
            FROM (SELECT * FROM df._map_progress x WHERE x.instance_id = ? ORDER BY x.generation DESC LIMIT 1000) AS p
            """;

    /** Columns of STATES. */
    private static final int EXECUTION = 1;

    private static final int STATUS = 2;
    private static final int CANCELED = 3;
    private static final int ATTEMPT = 4;
    private static final int UPDATED_AT = 6;
    private static final int MARKED = 9;
    /** Its columns from ATTEMPT on. */
    private static final List<String> RECORDED = List.of("attempt", "started_at", "updated_at", "error", "code");

    private static final Set<String> CONFIGURED = Set.of("IF", "LOOP", "JOIN");

    private final List<NodeRow> rows;
    private final boolean ended;
    private final Map<String, JsonNode> states = new HashMap<>();
    private final Map<String, JsonNode> maps = new HashMap<>();
    private final Map<String, NodeRow> byId = new HashMap<>();
    private final Map<String, String> parents = new HashMap<>();
    private final Map<String, String> marks = new HashMap<>();

    private LargeInstance(JsonNode instance, JsonNode recorded, JsonNode progress) {
        rows = nodes(instance.path("root").asText(), instance.path("graph").asText());
        ended = instance.path("ended").asBoolean();
        for (JsonNode state : recorded) {
            states.merge(state.path(0).asText(), state, LargeInstance::later);
        }
        progress.forEach(map -> maps.put(map.path("node").asText(), map.path("progress")));
        for (NodeRow row : rows) {
            byId.put(row.id(), row);
            children(row).forEach(child -> parents.put(child, row.id()));
        }
        mark();
        if (!ended) {
            rows.forEach(this::markAbove);
        }
        rows.stream()
                .filter(row -> row.nodeType().equals("MAP") && maps.containsKey(row.id()))
                .forEach(this::unmarkBody);
    }

    private static List<NodeRow> nodes(String root, String graph) {
        try {
            return GraphDocument.rows(root, graph);
        } catch (IllegalArgumentException e) {
            // The instance fails, and its output says why.
            return List.of();
        }
    }

    /** The nodes as {@link InstanceDetail} tells them, and the one that failed; null for an instance that has few, or that there is not. */
    static @Nullable ObjectNode read(Connection session, String id) throws SQLException {
        String instance = Query.first(session, GRAPH, id);
        if (instance == null) {
            return null;
        }
        JsonNode graph = json(instance);
        if (graph.path("undoing").asBoolean()) {
            // What is being undone follows from more than this.
            return null;
        }
        LargeInstance large = new LargeInstance(
                graph, json(Query.document(session, STATES, id)), json(Query.document(session, MAPS, id)));
        ObjectNode answer = Json.object();
        answer.put("failed_at", graph.path("status").asText().equals("failed") ? large.failedAt() : null);
        answer.set("nodes", large.nodes());
        return answer;
    }

    private static JsonNode json(String document) {
        try {
            return Json.MAPPER.readTree(document);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("PostgreSQL has made JSON that is none", e);
        }
    }

    /** A mark counts when it is later, or of the same execution, which the decision leaves running. */
    private static JsonNode later(JsonNode one, JsonNode other) {
        JsonNode mark = one.path(MARKED).asBoolean() ? one : other;
        JsonNode decision = mark == one ? other : one;
        boolean counts = mark.path(EXECUTION).equals(decision.path(EXECUTION))
                ? decision.path(STATUS).asText().equals("running")
                : mark.path(UPDATED_AT)
                                .asText()
                                .compareTo(decision.path(UPDATED_AT).asText())
                        > 0;
        if (!counts || !mark.path(STATUS).isNull()) {
            return counts ? mark : decision;
        }
        // It does not execute, but waits: its status is that of the decision.
        ArrayNode waits = mark.deepCopy();
        waits.set(STATUS, decision.get(STATUS));
        return waits;
    }

    /** The marks, as df._inferred has them: nodes below one that has ended are not looked at any more. */
    private void mark() {
        Executions executions = new Executions();
        states.values().forEach(state -> executions.add(state.path(EXECUTION).asText()));
        Map<String, Boolean> decided = new HashMap<>();
        for (NodeRow row : rows) {
            JsonNode state = states.get(row.id());
            String stored = state == null || state.path(STATUS).isNull()
                    ? "pending"
                    : state.path(STATUS).asText();
            boolean isOver = stored.equals("completed") || stored.equals("failed");
            boolean superseded = state != null
                    && executions.isSuperseded(state.path(EXECUTION).asText());
            boolean above = decided.getOrDefault(row.id(), false);
            String mark;
            if (isOver && !superseded) {
                mark = stored;
            } else if (above) {
                mark = "skipped";
            } else {
                mark = stored.equals("running") ? "running" : "pending";
            }
            boolean open = mark.equals("pending") || mark.equals("running");
            boolean canceled = state != null && state.path(CANCELED).asBoolean();
            marks.put(row.id(), canceled || ended && open ? "skipped" : mark);
            boolean below = above || isOver && !superseded;
            children(row).forEach(child -> decided.put(child, below && !isBegunUndo(row, child)));
        }
    }

    /** An undo runs when its step has ended long since. */
    private boolean isBegunUndo(NodeRow row, String child) {
        JsonNode state = states.get(child);
        return row.nodeType().equals("WITH_UNDO")
                && child.equals(row.rightNode())
                && state != null
                && !state.path(STATUS).isNull()
                && !state.path(STATUS).asText().equals("pending");
    }

    /** Something below it runs, or has run: so it does. */
    private void markAbove(NodeRow row) {
        if ("pending".equals(marks.get(row.id()))) {
            return;
        }
        String parent = parents.get(row.id());
        while (parent != null && "pending".equals(marks.get(parent))) {
            marks.put(parent, "running");
            parent = parents.get(parent);
        }
    }

    /** Removes the marks of the body's nodes: they run for each item, and have none of their own. */
    private void unmarkBody(NodeRow map) {
        String body = map.leftNode();
        Set<String> below = new HashSet<>();
        if (body != null) {
            below.add(body);
        }
        for (NodeRow row : rows) {
            // Parents come before children.
            if (below.contains(row.id())) {
                below.addAll(children(row));
                marks.remove(row.id());
            }
        }
    }

    private static List<String> children(NodeRow row) {
        List<String> all = new ArrayList<>();
        if (row.leftNode() != null) {
            all.add(row.leftNode());
        }
        if (row.rightNode() != null) {
            all.add(row.rightNode());
        }
        JsonNode config = config(row);
        if (config.path("condition_node").isTextual()) {
            all.add(config.path("condition_node").asText());
        }
        config.path("extra_nodes").forEach(extra -> all.add(extra.asText()));
        return all;
    }

    private static JsonNode config(NodeRow row) {
        String query = row.query();
        return CONFIGURED.contains(row.nodeType()) && query != null ? json(query) : Json.object();
    }

    private @Nullable String failedAt() {
        String found = null;
        String at = "";
        for (NodeRow row : rows) {
            JsonNode state = states.get(row.id());
            if ("failed".equals(marks.get(row.id()))
                    && row.leftNode() == null
                    && state != null
                    && state.path(UPDATED_AT).asText().compareTo(at) > 0) {
                found = row.id();
                at = state.path(UPDATED_AT).asText();
            }
        }
        return found;
    }

    private ArrayNode nodes() {
        ArrayNode nodes = Json.MAPPER.createArrayNode();
        for (NodeRow row : rows) {
            ObjectNode node = nodes.addObject();
            JsonNode config = config(row);
            String mark = marks.get(row.id());
            node.put("id", row.id()).put("type", row.nodeType()).put("display", display(row));
            put(node, "name", row.resultName());
            put(node, "left", row.leftNode());
            put(node, "right", row.rightNode());
            put(node, "condition", config.path("condition_node").textValue());
            if (config.path("extra_nodes").size() > 0) {
                node.set("extra", config.get("extra_nodes"));
            }
            put(node, "mark", mark);
            if (maps.containsKey(row.id())) {
                node.set("progress", maps.get(row.id()));
            }
            JsonNode state = states.get(row.id());
            if (state != null) {
                for (int i = 0; i < RECORDED.size(); i++) {
                    if (!state.path(ATTEMPT + i).isNull()) {
                        node.set(RECORDED.get(i), state.get(ATTEMPT + i));
                    }
                }
            }
            if ("running".equals(mark) || "failed".equals(mark)) {
                put(node, "query", row.query());
            }
        }
        return nodes;
    }

    /** Of 10,000 nodes, missing values are left out. */
    private static void put(ObjectNode node, String name, @Nullable String value) {
        if (value != null) {
            node.put(name, value);
        }
    }

    private static String display(NodeRow row) {
        String query = row.query();
        if (query == null || CONFIGURED.contains(row.nodeType())) {
            return row.nodeType();
        }
        String cut = query.length() > SHOWN ? query.substring(0, SHOWN) + "…" : query;
        return row.nodeType() + (row.nodeType().equals("SQL") ? ": " : " ") + cut;
    }
}
