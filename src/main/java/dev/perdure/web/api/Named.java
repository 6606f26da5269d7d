package dev.perdure.web.api;

import dev.perdure.web.api.Endpoint.Parameter;
import java.util.List;

/**
 * The endpoints of named things: schedules, queues, definitions. Each change is the df function of the same name, and commits.
 */
final class Named {

    private static final String SCHEDULES =
            """
            SELECT pg_catalog.json_build_object('schedules', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'name', s.name, 'role', s.role::pg_catalog.text, 'cron', s.cron, 'timezone', s.timezone, 'overlap', s.overlap,
                'catch_up', s.catch_up::pg_catalog.text, 'next_at', s.next_at, 'buffered_at', s.buffered_at,
                'last_planned_at', s.last_planned_at, 'last_outcome', s.last_outcome, 'last_instance_id', s.last_instance_id,
                'last_reason', s.last_reason, 'paused', s.paused, 'paused_at', s.paused_at, 'pause_reason', s.pause_reason,
                'mine', s.role = (SELECT pg_catalog.quote_ident(current_user)::pg_catalog.regrole)) ORDER BY s.name), '[]'))
            FROM (SELECT * FROM df.schedules x ORDER BY x.name LIMIT 500) AS s
            """;

    private static final String RUNS =
            """
            SELECT pg_catalog.json_build_object('runs', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'planned_at', r.planned_at, 'outcome', r.outcome, 'instance', r.instance_id, 'reason', r.reason,
                'status', (SELECT i.status FROM df.instances i WHERE i.id = r.instance_id)) ORDER BY r.planned_at DESC), '[]'))
            FROM (SELECT * FROM df.schedule_runs x WHERE x.schedule = ? AND x.role = (SELECT pg_catalog.quote_ident(current_user)::pg_catalog.regrole)
                  ORDER BY x.planned_at DESC LIMIT ?) AS r
            """;

    private static final String QUEUES =
            """
            SELECT pg_catalog.json_build_object('queues', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'name', q.name, 'owner', q.owner::pg_catalog.text, 'concurrency', q.concurrency, 'concurrency_per_key', q.concurrency_per_key,
                'rate', q.rate, 'per', q.per::pg_catalog.text, 'overflow', q.overflow, 'paused', q.paused, 'pause_reason', q.pause_reason, 'waiting', q.depth,
                'running', q.running, 'delayed', q.delayed, 'oldest_waiting', q.oldest_waiting,
                'mine', q.owner = (SELECT pg_catalog.quote_ident(current_user)::pg_catalog.regrole)) ORDER BY q.name, q.owner), '[]'))
            FROM (SELECT * FROM df.queues x ORDER BY x.name LIMIT 500) AS q
            """;

    /** The name for a call: definitions of others carry their role before the name. */
    private static final String CALLED =
            "CASE WHEN d.owner = (SELECT pg_catalog.quote_ident(current_user)::pg_catalog.regrole) THEN d.name"
                    + " ELSE pg_catalog.concat(d.owner::pg_catalog.text, '.', d.name) END";

    private static final String DEFINITIONS =
            """
            SELECT pg_catalog.json_build_object('definitions', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'name', CALLED, 'owner', d.owner::pg_catalog.text, 'version', d.version, 'params', d.params, 'comment', d.comment,
                'created_at', d.created_at) ORDER BY d.name, d.owner), '[]'))
            FROM (SELECT DISTINCT ON (x.name, x.owner) x.* FROM df.definitions x ORDER BY x.name, x.owner, x.version DESC LIMIT 500) AS d
            """
                    .replace("CALLED", CALLED);

    private static final String VERSIONS =
            """
            SELECT pg_catalog.json_build_object('versions', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'version', d.version, 'params', d.params, 'comment', d.comment, 'created_at', d.created_at,
                'text', df.explain(d.graph), 'nodes', (GRAPH)) ORDER BY d.version DESC), '[]'))
            FROM (SELECT * FROM df.definitions d WHERE CALLED = ? ORDER BY d.version DESC LIMIT 20) AS d
            """
                    .replace("CALLED", CALLED)
                    .replace("GRAPH", Workflows.nodesOf("d.graph"));

    private Named() {}

    static List<Endpoint> endpoints() {
        return List.of(
                Endpoint.get(
                        "/schedules",
                        "Schedules with their next and last runs (df.schedules).",
                        List.of(),
                        (call, session) -> Query.document(session, SCHEDULES)),
                Endpoint.get(
                        "/schedules/{name}/runs",
                        "What became of the planned times of a schedule of yours, the latest first (df.schedule_runs).",
                        List.of(Parameter.optional("limit", "integer", "How many at most, 1 to 500; 50 without it")),
                        (call, session) ->
                                Query.document(session, RUNS, call.name("name"), call.number("limit", 50, 1, 500))),
                Endpoint.post(
                        "/schedules/{name}/pause",
                        "Starts nothing more for a schedule (df.pause_schedule).",
                        List.of(Parameter.optional("reason", "string", "Why")),
                        (call, session) -> Change.of(
                                session,
                                "answer",
                                "SELECT df.pause_schedule(?, ?)::pg_catalog.text",
                                call.name("name"),
                                call.text("reason"))),
                byName("/schedules/{name}/resume", "Lets a schedule go on (df.resume_schedule).", "resume_schedule"),
                Endpoint.post(
                        "/schedules/{name}/trigger",
                        "Starts a run of a schedule now (df.trigger_schedule).",
                        List.of(),
                        (call, session) ->
                                Change.of(session, "id", "SELECT df.trigger_schedule(?)", call.name("name"))),
                Endpoint.post(
                        "/schedules/{name}/backfill",
                        "Starts a run for each planned time that has none (df.backfill_schedule).",
                        List.of(
                                Parameter.required("from", "string", "From this time on"),
                                Parameter.required("to", "string", "Before this time")),
                        (call, session) -> Change.of(
                                session,
                                "started",
                                "SELECT df.backfill_schedule(?, ?::pg_catalog.timestamptz, ?::pg_catalog.timestamptz)",
                                call.name("name"),
                                call.text("from"),
                                call.text("to"))),
                Endpoint.get(
                        "/queues",
                        "Your queues, and those that were granted to you (df.queues).",
                        List.of(),
                        (call, session) -> Query.document(session, QUEUES)),
                byName("/queues/{name}/pause", "Starts nothing more of a queue (df.pause_queue).", "pause_queue"),
                byName("/queues/{name}/resume", "Lets a queue go on (df.resume_queue).", "resume_queue"),
                Endpoint.get(
                        "/definitions",
                        "The latest version of each definition that you may call (df.definitions).",
                        List.of(),
                        (call, session) -> Query.document(session, DEFINITIONS)),
                Endpoint.get(
                        "/definitions/{name}",
                        "The latest versions of a definition, each drawn; one of another role is role.name.",
                        List.of(),
                        (call, session) -> Query.document(session, VERSIONS, call.name("name"))));
    }

    private static Endpoint byName(String path, String summary, String function) {
        return Endpoint.post(
                path,
                summary,
                List.of(),
                (call, session) -> Change.of(
                        session, "answer", "SELECT df." + function + "(?)::pg_catalog.text", call.name("name")));
    }
}
