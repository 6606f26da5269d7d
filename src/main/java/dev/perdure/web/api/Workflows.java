package dev.perdure.web.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.perdure.web.Problem;
import dev.perdure.web.api.Endpoint.Parameter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;

/**
 * Workflows as people write them: node texts, expressions, SQL statements. An expression is evaluated by PostgreSQL as df.explain does it, with
 * the rights of the caller, and what it did is undone.
 */
final class Workflows {

    /**
     * The operators are in df or in public. As in a session of the caller, roles that may create functions in public may have put some
     * there; what is temporary comes last.
     */
    private static final String PATH = "SET LOCAL search_path = df, public, pg_temp";

    private static final String KIND =
            // No statement begins with a literal: what does is an expression, whichever operators are in it.
            "SELECT CASE WHEN (df._read_node(t)).canonical IS NOT NULL THEN 'node'"
                    + " WHEN t OPERATOR(pg_catalog.~) E'^[(\\s]*\\x27' THEN 'expression' ELSE df._explain_mode(t) END"
                    + " FROM (SELECT pg_catalog.btrim(?, E' \\t\\n\\r\\f\\v') AS t) AS given";
    private static final String EVALUATED = "SELECT pg_catalog.json_build_object('node', e.node, 'problem', e.problem)"
            + " FROM df._evaluate(pg_catalog.btrim(?, E' \\t\\n\\r\\f\\v')) AS e";
    private static final String GRAPH =
            """
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                'id', n.id, 'type', n.node_type, 'display', df._display(x.node || pg_catalog.jsonb_build_object('p', n.params)),
                'name', n.result_name, 'query', pg_catalog.left(n.query, 400),
                'left', x.node ->> 'l', 'right', x.node ->> 'r', 'condition', x.node ->> 'c', 'extra', x.node -> 'x') ORDER BY n.node_position)
            FROM (SELECT CASE WHEN (df._read_node(t)).canonical IS NOT NULL THEN (df._read_node(t)).canonical ELSE df.sql(t) END AS graph
                  FROM (SELECT pg_catalog.btrim(?, E' \\t\\n\\r\\f\\v') AS t) AS given) AS g,
                LATERAL df._definition('00000000', g.graph) AS n,
                LATERAL (SELECT df._describe_node(n.node_position, n.node_type, n.query, n.result_name, n.left_node, n.right_node, NULL) AS node) AS x
            """;

    private Workflows() {}

    /** A query of the nodes of a workflow that an expression of ours names. */
    static String nodesOf(String expression) {
        return GRAPH.replace("?", expression);
    }

    /** Changes nothing, but evaluates what it is given: not for those who may only read. */
    static Endpoint explain() {
        return Endpoint.post(
                "/explain",
                "Draws a workflow without running it (df.explain): as text, and as the nodes of its graph.",
                List.of(Parameter.required("workflow", "string", "Node text, expression or SQL statement")),
                (call, session) -> {
                    String workflow = node(session, String.valueOf(call.text("workflow")));
                    String text = Objects.requireNonNull(Query.first(session, "SELECT df.explain(?)", workflow));
                    String nodes = text.startsWith("Invalid durable function graph")
                                    || text.startsWith("Cannot explain input")
                                    || text.startsWith("Failed to parse")
                            ? null
                            : Query.first(session, GRAPH, workflow);
                    return Json.object()
                            .put("text", text)
                            .putRawValue("nodes", new RawValue(nodes == null ? "[]" : nodes))
                            .toString();
                });
    }

    /** The node text of a workflow, or the statement that it is. */
    static String node(Connection session, String workflow) throws SQLException, Problem {
        try (Statement statement = session.createStatement()) {
            statement.execute(PATH);
        }
        String kind = Query.first(session, KIND, workflow);
        if ("instance".equals(kind)) {
            throw Problem.of(422, "This is the id of an instance, not a workflow");
        }
        if (!"expression".equals(kind)) {
            return workflow;
        }
        String evaluated = Objects.requireNonNull(Query.first(session, EVALUATED, workflow));
        try {
            var answer = Json.MAPPER.readTree(evaluated);
            if (answer.path("problem").isTextual()) {
                throw Problem.of(422, answer.path("problem").textValue());
            }
            return answer.path("node").textValue();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("PostgreSQL has made JSON that is none", e);
        }
    }
}
