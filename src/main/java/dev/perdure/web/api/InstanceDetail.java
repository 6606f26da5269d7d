package dev.perdure.web.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.Problem;
import dev.perdure.web.api.Endpoint.Parameter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One instance with its nodes in one read, one of its nodes, and the items of a map. */
final class InstanceDetail {

    /** Of a result or a statement, so much is shown beside others. */
    private static final int SHOWN = 400;
    /** And so much by itself. */
    private static final int SHOWN_ALONE = 262_144;

    /** The marks, notes and failures are those of df.explain. */
    private static final String INSTANCE =
            """
            WITH i AS MATERIALIZED (
                SELECT x.*, x.status IN ('completed', 'failed', 'cancelled') AND x.output IS NOT NULL AS has_ended
                FROM df.instances x WHERE x.id = ?
            ), d AS MATERIALIZED (SELECT df._nodes_document(i.id) AS nodes FROM i
            ), e AS MATERIALIZED (
                SELECT x.explained, x.markers FROM i, d, LATERAL df._explained(i.id, i.root_node, d.nodes, i.has_ended) AS x
                WHERE d.nodes IS NOT NULL
            )
            SELECT pg_catalog.json_build_object(
                'id', i.id, 'label', i.label, 'status', i.status, 'submitted_by', i.submitted_by::pg_catalog.text, 'database', i.database,
                'created_at', i.created_at, 'started_at', i.started_at,
                'ended_at', CASE WHEN i.status IN ('completed', 'failed', 'cancelled') THEN coalesce(i.completed_at, i.updated_at) END,
                'executions', i.execution_count, 'forked_from', i.forked_from, 'vars', i.vars,
                'output', pg_catalog.left(df._output(i.status, i.output, i.cancel_reason), 10000),
                'held', CASE WHEN i.status = 'pending' THEN df._held_text(i.id) END, 'parent', i.parent_id,
                'attributes', (SELECT a.attributes FROM df._attributes a WHERE a.instance_id = i.id),
                'queue', (SELECT q.queue FROM df._queued_starts q WHERE q.instance_id = i.id), 'root', i.root_node,
                'set_aside', (SELECT n.status_details -> 'set_aside' FROM df.nodes n
                    WHERE n.instance_id = i.id AND n.id = i.root_node AND i.status IN ('pending', 'running')), 'now', pg_catalog.clock_timestamp(),
                'failed_at', CASE WHEN i.status = 'failed' THEN (df._failed_at(i.id, i.root_node, d.nodes)).node_id END,
                'nodes', coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                    'id', n.id, 'type', n.node_type, 'display', df._display(e.explained -> n.id::pg_catalog.text), 'name', n.result_name,
                    'left', x.node ->> 'l', 'right', x.node ->> 'r', 'condition', x.node ->> 'c', 'extra', x.node -> 'x',
                    'mark', e.markers ->> n.id::pg_catalog.text, 'note', x.node ->> 'note', 'attempt', n.attempt,
                    'progress', CASE WHEN n.node_type = 'MAP' THEN (
                        SELECT pg_catalog.json_build_object('total', p.total, 'completed', p.completed, 'failed', p.failed)
                        FROM df._map_progress p WHERE p.instance_id = n.instance_id AND p.node_id = n.id ORDER BY p.generation DESC LIMIT 1) END,
                    'child', CASE WHEN n.node_type = 'CALL' THEN (
                        SELECT c.child_id FROM df.children c WHERE c.parent_id = n.instance_id AND c.node_id = n.id
                        ORDER BY c.execution_id = n.status_details ->> 'execution_id' DESC NULLS LAST, c.ended_at DESC LIMIT 1) END,
                    'query', pg_catalog.left(n.query, SHOWN), 'error', pg_catalog.left(n.error, SHOWN), 'code', n.status_details ->> 'code',
                    'result', pg_catalog.left(n.result::pg_catalog.text, SHOWN), 'result_bytes', pg_catalog.octet_length(n.result::pg_catalog.text),
                    'started_at', n.started_at, 'updated_at', n.updated_at, 'wake_at', nullif(n.wake_at, 'infinity'))
                        ORDER BY (x.node ->> 'i')::pg_catalog.int4)
                    FROM df.nodes n, e, LATERAL (SELECT e.explained -> n.id::pg_catalog.text AS node) AS x WHERE n.instance_id = i.id), '[]'))
            FROM i LEFT JOIN d ON true
            """
                    .replace("SHOWN", Integer.toString(SHOWN));

    /** The same without its nodes: the part of INSTANCE up to them. */
    private static final String HEAD = "SELECT pg_catalog.json_build_object("
            + INSTANCE.substring(INSTANCE.indexOf("'id', i.id"), INSTANCE.indexOf(", 'now',"))
            + ", 'now', pg_catalog.clock_timestamp()) FROM df.instances i WHERE i.id = ?";

    private static final String NODE =
            """
            SELECT pg_catalog.json_build_object(
                'id', n.id, 'instance', n.instance_id, 'type', n.node_type, 'name', n.result_name, 'status', n.status, 'attempt', n.attempt,
                'query', n.query, 'executed_query', n.executed_query, 'params', n.params, 'error', n.error, 'details', n.status_details,
                'started_at', n.started_at, 'updated_at', n.updated_at, 'wake_at', nullif(n.wake_at, 'infinity'),
                'result_columns', n.result_columns, 'result', pg_catalog.left(n.result::pg_catalog.text, SHOWN),
                'result_bytes', pg_catalog.octet_length(n.result::pg_catalog.text))
            FROM df.nodes n WHERE n.instance_id = ? AND n.id = ?
            """
                    .replace("SHOWN", Integer.toString(SHOWN_ALONE));

    private static final String ITEMS =
            """
            SELECT pg_catalog.json_build_object(
                'items', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                    'node', t.node_id, 'generation', t.generation, 'ordinal', t.ordinal, 'status', t.status, 'attempt', t.attempt,
                    'item', pg_catalog.left(t.item::pg_catalog.text, SHOWN), 'result', pg_catalog.left(t.result::pg_catalog.text, SHOWN),
                    'error', pg_catalog.left(t.error, SHOWN), 'code', t.code, 'started_at', t.started_at, 'completed_at', t.completed_at)
                        ORDER BY t.ordinal) FILTER (WHERE t.place <= t.wanted), '[]'),
                'next', CASE WHEN pg_catalog.count(*) > max(t.wanted) THEN max(t.ordinal) FILTER (WHERE t.place = t.wanted) END)
            FROM (
                SELECT m.*, pg_catalog.row_number() OVER (ORDER BY m.ordinal) AS place, ?::pg_catalog.int8 AS wanted
                FROM (SELECT * FROM df.items(?, ?, ?::pg_catalog.int4) AS y
                    -- Ordinals have no gaps: so the key is read from here to there, and nothing is sorted.
                    WHERE y.ordinal > ? AND y.ordinal <= ? ORDER BY y.ordinal) AS m
            ) AS t
            """
                    .replace("SHOWN", Integer.toString(SHOWN));

    private static final String LATEST =
            "SELECT max(p.generation) FROM df._map_progress p WHERE p.instance_id = ? AND p.node_id = ?";

    private static final String AS_SQL =
            """
            SELECT pg_catalog.json_build_object('sql', pg_catalog.concat('SELECT df.start(', pg_catalog.quote_literal(i.graph),
                ', label => ' || pg_catalog.quote_literal(i.label), ', database => ' || pg_catalog.quote_literal(i.database),
                ', options => ' || pg_catalog.quote_literal(nullif(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('vars', i.vars,
                    'attributes', (SELECT a.attributes FROM df._attributes a WHERE a.instance_id = i.id),
                    'queue', (SELECT q.queue FROM df._queued_starts q WHERE q.instance_id = i.id))), '{}')::pg_catalog.text), ');'))
            FROM df.instances i WHERE i.id = ? AND i.graph IS NOT NULL
            """;

    private InstanceDetail() {}

    static List<Endpoint> endpoints() {
        return List.of(
                Endpoint.get(
                        "/instances/{id}",
                        "An instance with all its nodes: the graph, and of each node the mark and the note of df.explain, its error and the"
                                + " beginning of its result.",
                        List.of(),
                        InstanceDetail::instance),
                Endpoint.get(
                        "/instances/{id}/nodes/{node}",
                        "A node in full: statement as written and as executed, parameters, error, and its result as text, cut at 256 KB.",
                        List.of(),
                        (call, session) -> found(Query.first(session, NODE, call.id("id"), call.id("node")))),
                Endpoint.get(
                        "/instances/{id}/nodes/{node}/result",
                        "The whole result of a node.",
                        List.of(),
                        (call, session) -> found(Query.first(
                                session,
                                "SELECT n.result::pg_catalog.text FROM df.nodes n WHERE n.instance_id = ? AND n.id = ?",
                                call.id("id"),
                                call.id("node")))),
                Endpoint.get(
                        "/instances/{id}/sql",
                        "The statement that starts another instance like this one.",
                        List.of(),
                        (call, session) -> found(Query.first(session, AS_SQL, call.id("id")))),
                Endpoint.get(
                        "/instances/{id}/items",
                        "Items of an execution of df.map, in the order of their rows.",
                        List.of(
                                Parameter.required("node", "string", "The id of the MAP node"),
                                Parameter.optional(
                                        "generation", "integer", "Which execution of the node; the latest without it"),
                                Parameter.optional("after", "integer", "The next of the page before"),
                                Parameter.optional("limit", "integer", "How many at most, 1 to 500; 100 without it")),
                        InstanceDetail::items));
    }

    private static String instance(Call call, Connection session) throws SQLException, Problem {
        String id = call.id("id");
        ObjectNode large = LargeInstance.read(session, id);
        if (large == null) {
            return found(Query.first(session, INSTANCE, id));
        }
        String head = found(Query.first(session, HEAD, id));
        String rest = large.toString();
        return head.substring(0, head.lastIndexOf('}')) + "," + rest.substring(1);
    }

    private static String items(Call call, Connection session) throws SQLException, Problem {
        String id = call.id("id");
        String node = call.parameter("node");
        if (node == null) {
            throw Problem.of(400, "node is missing: the id of a MAP node");
        }
        long limit = call.number("limit", 100, 1, 500);
        long generation = call.number("generation", 0, 1, Integer.MAX_VALUE);
        if (generation == 0) {
            generation = Long.parseLong(found(Query.first(session, LATEST, id, node)));
        }
        long after = call.number("after", 0, 0, Integer.MAX_VALUE);
        return Objects.requireNonNull(
                Query.first(session, ITEMS, limit, id, node, generation, after, after + limit + 1));
    }

    private static String found(@Nullable String document) throws Problem {
        if (document == null) {
            throw Call.notFound();
        }
        return document;
    }
}
