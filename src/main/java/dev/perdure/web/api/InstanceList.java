package dev.perdure.web.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.Problem;
import dev.perdure.web.api.Endpoint.Parameter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The instances of the caller, the newest first, page by page: df.find_instances, and a search in what people read. No index answers that
 * search, so that a request looks at a bounded number of those that the filter finds, and the cursor goes on behind them.
 */
final class InstanceList {

    private static final int LOOKED_AT = 1_000;
    private static final Set<String> STATUSES = Set.of("pending", "running", "completed", "failed", "cancelled");
    private static final List<String> TEXTS = List.of("label", "role", "definition", "queue", "schedule", "error");
    private static final List<String> TIMES = List.of("started_after", "started_before", "ended_after", "ended_before");

    /** The cursor of a page that ends before what df.find_instances has found is written as df.find_instances writes its own. */
    private static final String PAGE =
            """
            WITH looked AS MATERIALIZED (
                SELECT f.* FROM df.find_instances(?::pg_catalog.jsonb, ?,
                    least(?, df._setting('list_instances_max_limit', '1000')::pg_catalog.int8)::pg_catalog.int4)
                    WITH ORDINALITY AS f(id, label, status, role, attributes, created_at, started_at, ended_at, output, next_cursor, n)
            ), found AS (
                SELECT l.*, pg_catalog.row_number() OVER (ORDER BY l.n) AS place, w.wanted
                FROM looked l, (SELECT ?::pg_catalog.int8 AS wanted) AS w
                WHERE ?::pg_catalog.text IS NULL OR pg_catalog.strpos(pg_catalog.lower(pg_catalog.concat_ws(' ', l.id, l.label,
                    l.attributes::pg_catalog.text, pg_catalog.left(l.output, 2000))), pg_catalog.lower(?)) > 0
            )
            SELECT pg_catalog.json_build_object(
                'instances', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                    'id', f.id, 'label', f.label, 'status', f.status, 'submitted_by', f.role, 'attributes', f.attributes,
                    'created_at', f.created_at, 'started_at', f.started_at, 'ended_at', f.ended_at,
                    'output', pg_catalog.left(f.output, 300)) ORDER BY f.place) FILTER (WHERE f.place <= f.wanted), '[]'),
                'next', CASE WHEN pg_catalog.count(*) > max(f.wanted)
                    THEN (SELECT pg_catalog.encode(pg_catalog.convert_to(pg_catalog.concat('v1|',
                              pg_catalog.to_char(g.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.USOF'), '|', g.id), 'UTF8'), 'hex')
                          FROM found g WHERE g.place = g.wanted)
                    ELSE (SELECT max(l.next_cursor) FROM looked l) END,
                'looked_until', CASE WHEN ?::pg_catalog.text IS NOT NULL AND pg_catalog.count(*) <= coalesce(max(f.wanted), 0)
                    THEN (SELECT min(l.created_at) FROM looked l WHERE l.next_cursor IS NOT NULL) END)
            FROM found f
            """;

    private static final List<Parameter> PARAMETERS = List.of(
            Parameter.optional(
                    "status", "string", "pending, running, completed, failed, cancelled; several with commas"),
            Parameter.optional("label", "string", "The whole label"),
            Parameter.optional("role", "string", "Of this role"),
            Parameter.optional("attributes", "string", "A JSON object that their attributes contain"),
            Parameter.optional("definition", "string", "Started as a child by the definition of this name"),
            Parameter.optional("queue", "string", "Started in this queue"),
            Parameter.optional("schedule", "string", "Started by this schedule"),
            Parameter.optional("error", "string", "Failed, with this text in the error"),
            Parameter.optional("text", "string", "A part of the id, label, attributes, output or error"),
            Parameter.optional("started_after", "string", "Created at this time or later"),
            Parameter.optional("started_before", "string", "Created before this time"),
            Parameter.optional("ended_after", "string", "Ended at this time or later"),
            Parameter.optional("ended_before", "string", "Ended before this time"),
            Parameter.optional("limit", "integer", "How many at most, 1 to 200; 50 without it"),
            Parameter.optional("cursor", "string", "The next of the page before"));

    private InstanceList() {}

    static Endpoint endpoint() {
        return Endpoint.get(
                "/instances",
                "Your instances, the newest first (df.find_instances). next is the cursor of the next page; with text a page may have fewer"
                        + " than limit, or none, and a next behind which the search goes on.",
                PARAMETERS,
                InstanceList::answer);
    }

    private static String answer(Call call, Connection session) throws SQLException, Problem {
        long limit = call.number("limit", 50, 1, 200);
        String text = call.parameter("text");
        String cursor = call.parameter("cursor");
        if (cursor != null && !cursor.matches("[0-9a-f]{2,400}")) {
            throw Problem.of(400, "The cursor is none");
        }
        long looked = text == null ? limit : LOOKED_AT;
        String filter = filter(call).toString();
        return Objects.requireNonNull(
                Query.first(session, PAGE, filter, cursor, looked, limit, text, text, text), "a page");
    }

    private static ObjectNode filter(Call call) throws Problem {
        ObjectNode filter = Json.object();
        String status = call.parameter("status");
        if (status != null) {
            ArrayNode statuses = filter.putArray("status");
            for (String each : status.split(",")) {
                if (!STATUSES.contains(each)) {
                    throw Problem.of(400, "status is pending, running, completed, failed or cancelled");
                }
                statuses.add(each);
            }
        }
        for (String name : TEXTS) {
            String value = call.parameter(name);
            if (value != null) {
                filter.put(name, value);
            }
        }
        for (String name : TIMES) {
            OffsetDateTime value = call.time(name);
            if (value != null) {
                filter.put(name, value.toString());
            }
        }
        String attributes = call.parameter("attributes");
        if (attributes != null) {
            filter.set("attributes", Json.read("attributes", attributes));
        }
        return filter;
    }
}
