package dev.perdure.web.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.perdure.web.Problem;
import dev.perdure.web.api.Follow.Reading;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The streams of changes. Nothing is written for them: the transaction that wrote a row last is in the row, and the cursor is the oldest
 * one that was under way at the last look, so that no change is missed, however late its transaction commits, and some are read twice. The
 * reader remembers the changes that it has told, so none is told twice.
 */
final class Changes {

    /** So many instances are looked at, the newest. No index leads to what has ended: it would be written with each instance. */
    static final int LOOKED_AT = 1_000;

    private static final String WORKER =
            """
            (SELECT pg_catalog.json_build_object(
                'works', coalesce(max(w.last_seen_at) > pg_catalog.clock_timestamp() - interval '10 seconds', false),
                'leads_since', max(w.started_at),
                'seen', CASE WHEN NOT coalesce(max(w.last_seen_at) > pg_catalog.clock_timestamp() - interval '10 seconds', false)
                    THEN max(w.last_seen_at) END) FROM df._worker_epoch w)
            """;

    /** A row names 32 bits of its transaction: the rest is that of the latest one. */
    private static final String OF_ROLE =
            """
            WITH s AS MATERIALIZED (
                SELECT pg_catalog.pg_snapshot_xmin(x)::pg_catalog.text::pg_catalog.int8 AS oldest,
                       pg_catalog.pg_snapshot_xmax(x)::pg_catalog.text::pg_catalog.int8 AS latest,
                       coalesce(?::pg_catalog.int8, pg_catalog.pg_snapshot_xmax(x)::pg_catalog.text::pg_catalog.int8) AS since
                FROM pg_catalog.pg_current_snapshot() AS x
            ), looked AS MATERIALIZED (
                SELECT i.id, i.status, i.label, i.created_at, i.updated_at, i.xmin::pg_catalog.text::pg_catalog.int8 AS stamp
                FROM df.instances i WHERE i.submitted_by = (SELECT pg_catalog.quote_ident(current_user)::pg_catalog.regrole)
                ORDER BY i.created_at DESC, i.id LIMIT LOOKED
            )
            SELECT pg_catalog.json_build_object('cursor', (SELECT s.oldest::pg_catalog.text FROM s), 'worker', WORKER,
                'changes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('stamp', l.stamp, 'event', pg_catalog.json_build_object(
                        'id', l.id, 'status', l.status, 'label', pg_catalog.left(l.label, 200),
                        'created_at', l.created_at, 'updated_at', l.updated_at)) ORDER BY l.created_at, l.id)
                    FROM looked l, s WHERE s.latest - ((s.latest - l.stamp) & 4294967295) >= s.since))
            """
                    .replace("WORKER", WORKER)
                    .replace("LOOKED", Integer.toString(LOOKED_AT));

    private static final String OF_INSTANCE =
            """
            SELECT pg_catalog.json_build_object('cursor', x.stamp, 'worker', WORKER,
                'changes', CASE WHEN x.stamp IS DISTINCT FROM ? THEN pg_catalog.json_build_array(pg_catalog.json_build_object(
                    'stamp', x.stamp, 'event', pg_catalog.json_build_object('id', x.instance_id, 'status', x.status))) END)
            FROM df._instance_stamps x WHERE x.instance_id = ?
            """
                    .replace("WORKER", WORKER);

    private Changes() {}

    static List<Follow> all() {
        return List.of(
                new Follow(
                        "/changes",
                        "Server-sent events: which of your latest 1000 instances were started, or have begun, ended or were cancelled. An event"
                                + " changed has instances, and more where there may be others; an event worker says whether anybody works.",
                        Changes::ofRole),
                new Follow(
                        "/instances/{id}/events",
                        "Server-sent events: an event changed whenever there is something else to see of an instance; an event worker says whether"
                                + " anybody works.",
                        Changes::ofInstance));
    }

    private static Reading ofRole(Call call, @Nullable String cursor, Connection session) throws SQLException, Problem {
        if (cursor != null && !cursor.matches("[0-9]{1,18}")) {
            throw Problem.of(400, "The cursor is none");
        }
        return read(Query.document(session, OF_ROLE, cursor), LOOKED_AT);
    }

    private static Reading ofInstance(Call call, @Nullable String cursor, Connection session)
            throws SQLException, Problem {
        if (cursor != null && !cursor.matches("[0-9a-f]{32}")) {
            throw Problem.of(400, "The cursor is none");
        }
        String found = Query.first(session, OF_INSTANCE, cursor == null ? "" : cursor, call.id("id"));
        if (found == null) {
            throw Call.notFound();
        }
        return read(found, Integer.MAX_VALUE);
    }

    private static Reading read(String document, int most) {
        try {
            return Reading.of(Json.MAPPER.readTree(document), most);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("PostgreSQL has made JSON that is none", e);
        }
    }
}
