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
 * The nodes of an instance that has many: the graph is read here, and of the server what is on record of each node, which it tells in a few
 * milliseconds. df.explain, whose marks and notes smaller instances have, takes seconds for 10,000. So these nodes have no notes, and one of
 * a LOOP that has begun another round is shown as it ended in the last.
 */
final class LargeInstance {

    /** Of more nodes than this. */
    private static final int MANY = 300;

    private static final int SHOWN = 50;
    private static final int SHOWN_OF_ERROR = 200;

    private static final String GRAPH =
            """
            SELECT pg_catalog.json_build_object('root', i.root_node, 'graph', i.graph,
                'ended', i.status IN ('completed', 'failed', 'cancelled') AND i.output IS NOT NULL)
            FROM df.instances i WHERE i.id = ? AND (pg_catalog.length(i.graph)
                - pg_catalog.length(pg_catalog.replace(i.graph, '"node_type"', ''))) / pg_catalog.length('"node_type"') > MANY
            """
                    .replace("MANY", Integer.toString(MANY));

    private static final String STATES =
            """
            SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(s.node_id, s.status, s.canceled, s.attempt, s.started_at, s.updated_at,
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

    /** What STATES has behind the third column. */
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
        rows = GraphDocument.rows(
                instance.path("root").asText(), instance.path("graph").asText());
        ended = instance.path("ended").asBoolean();
        for (JsonNode state : recorded) {
            states.merge(state.path(0).asText(), state, LargeInstance::later);
        }
        progress.forEach(map -> maps.put(map.path("node").asText(), map.path("progress")));
        for (NodeRow row : rows) {
            byId.put(row.id(), row);
            children(row).forEach(child -> parents.put(child, row.id()));
            marks.put(row.id(), mark(states.get(row.id())));
        }
        if (!ended) {
            rows.forEach(this::markAbove);
        }
        rows.stream()
                .filter(row -> row.nodeType().equals("MAP") && maps.containsKey(row.id()))
                .forEach(this::unmarkBody);
    }

    /** The nodes as {@link InstanceDetail} tells them, and the one that failed; null for an instance that has few, or that there is not. */
    static @Nullable ObjectNode read(Connection session, String id) throws SQLException {
        String instance = Query.first(session, GRAPH, id);
        if (instance == null) {
            return null;
        }
        LargeInstance large = new LargeInstance(
                json(instance), json(Query.document(session, STATES, id)), json(Query.document(session, MAPS, id)));
        ObjectNode answer = Json.object();
        answer.put("failed_at", large.failedAt());
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

    /** A mark counts when it is later than a decision that leaves the node running, or than any other. */
    private static JsonNode later(JsonNode one, JsonNode other) {
        JsonNode mark = one.path(8).asBoolean() ? one : other;
        JsonNode decision = mark == one ? other : one;
        boolean runs = decision.path(1).asText().equals("running");
        return runs || mark.path(5).asText().compareTo(decision.path(5).asText()) > 0 ? mark : decision;
    }

    private String mark(@Nullable JsonNode state) {
        String status = state == null ? "pending" : state.path(1).asText();
        boolean open = status.equals("pending") || status.equals("running");
        return state != null && state.path(2).asBoolean() || ended && open ? "skipped" : status;
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

    /** What is done for each item has no status of its own. */
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
                    && state.path(5).asText().compareTo(at) > 0) {
                found = row.id();
                at = state.path(5).asText();
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
                    if (!state.path(3 + i).isNull()) {
                        node.set(RECORDED.get(i), state.get(3 + i));
                    }
                }
            }
            if ("running".equals(mark) || "failed".equals(mark)) {
                put(node, "query", row.query());
            }
        }
        return nodes;
    }

    /** Of 10,000 nodes, what is not there is not said. */
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
