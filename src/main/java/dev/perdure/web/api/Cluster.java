package dev.perdure.web.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.perdure.config.BuildInfo;
import dev.perdure.leader.LeaderStatus;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;

/** Whether anybody works, and how much there is of it. What is counted is bounded. */
final class Cluster {

    /** The number of recent starts that are looked at. */
    private static final int LOOKED_AT = 10_000;

    /** Anybody may call a session of theirs as the worker's are called: only those of the owner count. */
    private static final String WORKERS =
            """
            WITH s AS (
                SELECT a.application_name AS name, a.usename AS role, pg_catalog.pg_has_role(a.usesysid, n.nspowner, 'MEMBER') AS of_owner
                FROM pg_catalog.pg_stat_activity a, pg_catalog.pg_namespace n
                WHERE n.nspname = 'df' AND a.datname = pg_catalog.current_database()
                  AND a.application_name LIKE 'perdure%')
            SELECT pg_catalog.json_build_object(
                'leads_since', (SELECT w.started_at FROM df._worker_epoch w), 'last_seen_at', (SELECT w.last_seen_at FROM df._worker_epoch w),
                'works', coalesce((SELECT w.last_seen_at > pg_catalog.clock_timestamp() - interval '10 seconds' FROM df._worker_epoch w), false),
                'workers', (SELECT greatest(pg_catalog.count(*) FILTER (WHERE s.name = 'perdure watch'), pg_catalog.count(*) FILTER (WHERE s.name LIKE 'perdure-leader%'))
                            FROM s WHERE s.of_owner),
                'sessions', coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('role', x.role, 'what', x.name, 'count', x.n)
                        ORDER BY x.n DESC, x.role, x.name)
                    FROM (SELECT s.role, s.name, pg_catalog.count(*) AS n FROM s GROUP BY 1, 2) AS x), '[]'),
                'settings', coalesce((SELECT pg_catalog.json_object_agg(t.name, t.value) FROM df.settings t), '{}'),
                'schema_owner', (SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n WHERE n.nspname = 'df'),
                'df_version', df.version(), 'postgresql', pg_catalog.current_setting('server_version'),
                'database', pg_catalog.current_database(), 'now', pg_catalog.clock_timestamp())
            """;

    /** Starts and ends by the time of the start: along the index, and no further than the span or the bound. */
    private static final String SUMMARY =
            """
            WITH b AS (
                SELECT pg_catalog.date_trunc('minute', pg_catalog.clock_timestamp()) + interval '1 minute' AS until,
                       ?::pg_catalog.int4 * interval '1 minute' AS span, ?::pg_catalog.int4 * interval '1 second' AS width
            ), looked AS MATERIALIZED (
                SELECT x.created_at, x.status, df._ended_at(x.status, x.completed_at, x.updated_at) AS ended_at
                FROM df.instances x WHERE x.created_at >= (SELECT b.until - b.span FROM b)
                ORDER BY x.created_at DESC, x.id LIMIT LOOKED
            ), bars AS (
                SELECT pg_catalog.floor(extract(epoch FROM b.until - l.created_at) / extract(epoch FROM b.width)) AS back,
                       pg_catalog.count(*) AS started, pg_catalog.count(*) FILTER (WHERE l.status = 'failed') AS failed,
                       pg_catalog.count(*) FILTER (WHERE l.ended_at IS NULL) AS unfinished
                FROM looked l, b GROUP BY 1
            )
            SELECT pg_catalog.json_build_object(
                'until', b.until, 'bar_seconds', extract(epoch FROM b.width), 'count', b.span_bars,
                'looked_until', (SELECT min(l.created_at) FROM looked l HAVING pg_catalog.count(*) = LOOKED),
                'started', (SELECT coalesce(sum(a.started), 0) FROM bars a), 'failed', (SELECT coalesce(sum(a.failed), 0) FROM bars a),
                'unfinished', (SELECT coalesce(sum(a.unfinished), 0) FROM bars a),
                'median_seconds', (SELECT pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.ended_at - l.created_at))
                    FROM looked l WHERE l.ended_at IS NOT NULL),
                'bars', coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('back', a.back, 'started', a.started, 'failed', a.failed)
                    ORDER BY a.back DESC) FROM bars a), '[]'),
                'now', pg_catalog.clock_timestamp())
            FROM (SELECT b.*, pg_catalog.ceil(extract(epoch FROM b.span) / extract(epoch FROM b.width)) AS span_bars FROM b) AS b
            """
                    .replace("LOOKED", Integer.toString(LOOKED_AT));

    private Cluster() {}

    static List<Endpoint> endpoints(LeaderStatus leader) {
        return List.of(
                Endpoint.get(
                                "/worker",
                                "Who leads and since when, how many workers there are, sessions by role, settings; and of the worker that answers its part"
                                        + " and its version.",
                                List.of(),
                                (call, session) -> worker(leader, session))
                        .ofPrimary(),
                Endpoint.get(
                        "/summary",
                        "How many of your instances were started, and failed, minute by minute; of 10,000 at most, the latest.",
                        List.of(Endpoint.Parameter.optional(
                                "minutes", "integer", "How far back, 5 to 10080; 60 without it")),
                        (call, session) -> {
                            long minutes = call.number("minutes", 60, 5, 10_080);
                            return Query.document(session, SUMMARY, minutes, Math.max(60, minutes));
                        }));
    }

    private static String worker(LeaderStatus leader, Connection session) throws SQLException {
        LeaderStatus.View view = leader.view();
        ObjectNode answer = Json.object();
        answer.put("role", view.role().name().toLowerCase(Locale.ROOT));
        answer.put("term", view.epoch());
        answer.put("since", view.since().toString());
        answer.put("version", BuildInfo.read().version());
        answer.putRawValue("cluster", new RawValue(Query.document(session, WORKERS)));
        return answer.toString();
    }
}
