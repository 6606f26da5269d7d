package dev.perdure.web.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.Problem;
import dev.perdure.web.api.Endpoint.Parameter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The instances of the caller, the newest first, page by page: df.find_instances, and a search in the visible texts. No index answers that
 * search, so that a request looks at a bounded number of those that the filter finds, and the cursor goes on behind them.
 */
final class InstanceList {

    private static final int LOOKED_AT = 500;
    /** The number of instances in one part of a search without an index, a statement each. */
    private static final int PART = 5_000;
    /** And in so many parts as fit into this; then the cursor goes on. */
    private static final long PATIENCE_NANOS = 150_000_000;

    /** Keys of a filter that few instances may have, of which no index knows. */
    private static final Set<String> SOUGHT =
            Set.of("status", "error", "ended_after", "ended_before", "queue", "schedule", "definition");
    /** Keys that lead to the instances that have them. */
    private static final Set<String> LED = Set.of("label", "attributes");

    private static final Set<String> STATUSES = Set.of("pending", "running", "completed", "failed", "cancelled");
    private static final List<String> TEXTS = List.of("label", "role", "definition", "queue", "schedule", "error");
    private static final List<String> TIMES = List.of("started_after", "started_before", "ended_after", "ended_before");

    /** The cursor of a page that ends before the findings of df.find_instances is written as df.find_instances writes its own. */
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

    /** The end of a part, behind so many of the caller's instances, and its cursor. Read from the index alone. */
    private static final String BOUND =
            """
            SELECT pg_catalog.json_build_object('until', x.created_at, 'cursor', pg_catalog.encode(pg_catalog.convert_to(pg_catalog.concat('v1|',
                pg_catalog.to_char(x.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.USOF'), '|ffffffff'), 'UTF8'), 'hex'))
            FROM df._read_cursor(?) AS c, LATERAL (
                SELECT i.created_at FROM df.instances i
                WHERE i.submitted_by = (SELECT pg_catalog.quote_ident(current_user)::pg_catalog.regrole)
                    AND i.created_at <= least(c.created_at, ?::pg_catalog.timestamptz, 'infinity')
                    AND (c.created_at IS NULL OR i.created_at < c.created_at OR i.id > c.id)
                ORDER BY i.created_at DESC, i.id OFFSET PART LIMIT 1) AS x
            WHERE x.created_at > coalesce(?::pg_catalog.timestamptz, '-infinity')
            """
                    .replace("PART", Integer.toString(PART));

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
        ObjectNode filter = filter(call);
        boolean bounded = SOUGHT.stream().anyMatch(filter::has) && LED.stream().noneMatch(filter::has);
        long began = System.nanoTime();
        ArrayNode found = Json.MAPPER.createArrayNode();
        while (true) {
            // Not the same filter: it gets another end.
            ObjectNode part = filter.deepCopy();
            JsonNode bound = bounded ? bound(session, cursor, filter) : MissingNode.getInstance();
            if (bound.has("until")) {
                part.put("started_after", bound.path("until").asText());
            }
            long wanted = limit - found.size();
            JsonNode page = read(Query.document(
                    session,
                    PAGE,
                    part.toString(),
                    cursor,
                    text == null ? wanted : LOOKED_AT,
                    wanted,
                    text,
                    text,
                    text));
            found.addAll((ArrayNode) page.path("instances"));
            JsonNode next = page.path("next").isTextual() ? page.path("next") : bound.path("cursor");
            boolean late = System.nanoTime() - began > PATIENCE_NANOS;
            if (!next.isTextual() || found.size() >= limit || late) {
                ObjectNode answer = Json.object();
                answer.set("instances", found);
                answer.set("next", next.isTextual() ? next : null);
                JsonNode until =
                        page.path("looked_until").isTextual() ? page.path("looked_until") : bound.path("until");
                answer.set(
                        "looked_until", next.isTextual() && found.size() < limit && until.isTextual() ? until : null);
                return answer.toString();
            }
            cursor = next.asText();
        }
    }

    /** The end of the part behind a cursor; missing when the filter ends there. */
    private static JsonNode bound(Connection session, @Nullable String cursor, ObjectNode filter) throws SQLException {
        String bound = Query.first(
                session,
                BOUND,
                cursor,
                filter.path("started_before").textValue(),
                filter.path("started_after").textValue());
        return bound == null ? MissingNode.getInstance() : read(bound);
    }

    private static JsonNode read(String document) {
        try {
            return Json.MAPPER.readTree(document);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("PostgreSQL has made JSON that is none", e);
        }
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
