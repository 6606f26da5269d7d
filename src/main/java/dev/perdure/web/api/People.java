package dev.perdure.web.api;

import dev.perdure.web.Problem;
import dev.perdure.web.api.Endpoint.Parameter;
import java.util.List;

/** The endpoints of nodes that others decide: tasks of people, and activities of programs. */
final class People {

    /** Payloads are shown as far as so many characters; a task has its whole one where it is asked for alone. */
    private static final String TASKS =
            """
            SELECT pg_catalog.json_build_object('tasks', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'id', t.task_id, 'title', t.title, 'payload', pg_catalog.left(t.payload::pg_catalog.text, 2000),
                'payload_characters', pg_catalog.length(t.payload::pg_catalog.text), 'assignees', t.assignees, 'quorum', t.quorum,
                'not_submitter', t.not_submitter, 'decisions', t.decisions, 'created_at', t.created_at) ORDER BY t.task_id), '[]'),
                'more', count(*) > ?)
            FROM (SELECT * FROM df.tasks x WHERE x.task_id > ? ORDER BY x.task_id LIMIT ?) AS t
            """;

    private static final String TASK =
            """
            SELECT pg_catalog.json_build_object('id', t.task_id, 'title', t.title, 'payload', t.payload::pg_catalog.text,
                'assignees', t.assignees, 'quorum', t.quorum, 'not_submitter', t.not_submitter, 'decisions', t.decisions,
                'created_at', t.created_at)
            FROM df.tasks t WHERE t.task_id = ?
            """;

    /** The kinds, each with a problem of those of its activities that wait longest. */
    private static final String KINDS =
            """
            SELECT pg_catalog.json_build_object('kinds', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'kind', k.kind, 'waiting', k.waiting, 'oldest', k.oldest, 'claimed', k.claimed, 'completed', k.completed, 'failed', k.failed,
                'problem', (SELECT max(a.problem) FROM (
                    SELECT x.problem FROM df.activities x WHERE x.kind = k.kind AND x.status = 'waiting' ORDER BY x.activity_id LIMIT 20) AS a))
                ORDER BY k.kind), '[]'))
            FROM (SELECT * FROM df.activity_kinds x ORDER BY x.kind LIMIT 500) AS k
            """;

    private static final String ACTIVITIES =
            """
            SELECT pg_catalog.json_build_object('activities', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'id', a.activity_id, 'kind', a.kind, 'status', a.status, 'attempt', a.attempt, 'max_attempts', a.max_attempts,
                'claimed_by', a.claimed_by::pg_catalog.text, 'claimed_at', a.claimed_at, 'lease_until', a.lease_until,
                'progress', pg_catalog.left(a.progress::pg_catalog.text, 500), 'payload', pg_catalog.left(a.payload::pg_catalog.text, 500),
                'created_at', a.created_at, 'instance', a.instance_id, 'node', a.node_id, 'problem', a.problem) ORDER BY a.activity_id), '[]'))
            FROM (SELECT * FROM df.activities x WHERE (?::pg_catalog.text IS NULL OR x.kind = ?) AND (?::pg_catalog.text IS NULL OR x.status = ?)
                  AND x.activity_id > ? ORDER BY x.activity_id LIMIT ?) AS a
            """;

    private static final Parameter AFTER =
            Parameter.optional("after", "integer", "The id of the last one of the page before");
    private static final Parameter LIMIT =
            Parameter.optional("limit", "integer", "How many at most, 1 to 200; 50 without it");

    private People() {}

    static List<Endpoint> endpoints() {
        return List.of(
                Endpoint.get(
                        "/tasks",
                        "Approvals that you can decide, the oldest first (df.tasks); payloads are cut.",
                        List.of(AFTER, LIMIT),
                        (call, session) -> {
                            long limit = limit(call);
                            return Query.document(session, TASKS, limit - 1, after(call), limit);
                        }),
                Endpoint.get("/tasks/{task}", "One of them, with its whole payload.", List.of(), (call, session) -> {
                    String task = Query.first(session, TASK, task(call));
                    if (task == null) {
                        throw notFound();
                    }
                    return task;
                }),
                Endpoint.post(
                        "/tasks/{task}/decide",
                        "Decides one of them (df.decide): decided, or how many of the decisions that it needs there are.",
                        List.of(
                                Parameter.required("decision", "string", "A word such as approved or rejected"),
                                Parameter.optional("comment", "string", "Why")),
                        (call, session) -> Change.of(
                                session,
                                "answer",
                                "SELECT df.decide(?, ?, ?)",
                                task(call),
                                call.text("decision"),
                                call.text("comment"))),
                Endpoint.get(
                        "/activities",
                        "Activities that are not decided: of your workflows, and those that you may claim, the oldest first (df.activities);"
                                + " payload and progress are cut.",
                        List.of(
                                Parameter.optional("kind", "string", "Of this kind"),
                                Parameter.optional("status", "string", "waiting or claimed"),
                                AFTER,
                                LIMIT),
                        (call, session) -> Query.document(
                                session,
                                ACTIVITIES,
                                call.parameter("kind"),
                                call.parameter("kind"),
                                call.parameter("status"),
                                call.parameter("status"),
                                after(call),
                                limit(call))),
                Endpoint.get(
                        "/activity-kinds",
                        "Kinds of activities: how many wait, since when, are claimed, completed and failed in the last minute, and whether"
                                + " no program claims them (df.activity_kinds).",
                        List.of(),
                        (call, session) -> Query.document(session, KINDS)));
    }

    private static long after(Call call) throws Problem {
        return call.number("after", 0, 0, Long.MAX_VALUE);
    }

    private static long limit(Call call) throws Problem {
        return call.number("limit", 50, 1, 200);
    }

    private static long task(Call call) throws Problem {
        String number = call.name("task");
        if (!number.matches("[0-9]{1,18}")) {
            throw notFound();
        }
        return Long.parseLong(number);
    }

    /** The same for a task that does not exist, is decided, or is not for the caller. */
    private static Problem notFound() {
        return Problem.of(404, "There is no such task of yours, or it is decided");
    }
}
