package dev.perdure.web.api;

import dev.perdure.web.Problem;
import dev.perdure.web.api.Endpoint.Parameter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** The endpoints that change instances: each is the df function of the same name, and commits. */
final class Actions {

    private static final Parameter VARS = Parameter.optional("vars", "object", "Variables that are set anew");
    private static final Parameter FROM_NODE =
            Parameter.optional("from_node", "string", "The id of the node to go on from");
    private static final Parameter FILTER =
            Parameter.required("filter", "object", "A filter of df.find_instances: {\"status\": \"failed\"}");
    private static final Parameter MOST =
            Parameter.optional("most", "integer", "Nothing is done when more match; 1000 without it");

    private Actions() {}

    static List<Endpoint> endpoints() {
        return List.of(start(), cancel(), signal(), redrive(), fork(), cancelMany(), signalMany(), redriveMany());
    }

    private static Endpoint start() {
        return Endpoint.post(
                "/instances",
                "Starts a workflow (df.start): a node text, an expression or an SQL statement, as df.explain takes it; or a definition with its"
                        + " arguments (df.call).",
                List.of(
                        Parameter.optional("workflow", "string", "Node text, expression or SQL statement"),
                        Parameter.optional("definition", "string", "The name of a definition, in place of a workflow"),
                        Parameter.optional("args", "object", "Arguments of the definition"),
                        Parameter.optional("version", "integer", "Of the definition; the latest without it"),
                        Parameter.optional("label", "string", "A label"),
                        Parameter.optional("database", "string", "The database that its statements run in"),
                        Parameter.optional(
                                "options",
                                "object",
                                "options of df.start: vars, attributes, idempotency_key, timeout, deadline, queue, key, …")),
                (call, session) -> {
                    Change.begin(session);
                    return Change.commit(
                            session,
                            "id",
                            "SELECT df.start(fut => ?::pg_catalog.varchar, label => ?, database => ?,"
                                    + " options => ?::pg_catalog.jsonb)",
                            workflow(call, session),
                            call.text("label"),
                            call.text("database"),
                            call.json("options"));
                });
    }

    private static String workflow(Call call, Connection session) throws SQLException, Problem {
        String definition = call.text("definition");
        String workflow = call.text("workflow");
        if ((definition == null || definition.isBlank()) == (workflow == null || workflow.isBlank())) {
            throw Problem.of(400, "The body has a workflow or a definition, and not both");
        }
        return definition == null || definition.isBlank()
                ? Workflows.node(session, String.valueOf(workflow))
                : String.valueOf(Query.first(
                        session,
                        "SELECT df.call(?, coalesce(?, '{}')::pg_catalog.jsonb, ?::pg_catalog.int4)",
                        definition,
                        call.json("args"),
                        call.json("version")));
    }

    private static Endpoint cancel() {
        return Endpoint.post(
                "/instances/{id}/cancel",
                "Cancels an instance (df.cancel).",
                List.of(Parameter.optional("reason", "string", "Why")),
                (call, session) -> Change.of(
                        session,
                        "answer",
                        "SELECT df.cancel(?, coalesce(?, 'Cancelled by user'))",
                        call.id("id"),
                        call.text("reason")));
    }

    private static Endpoint signal() {
        return Endpoint.post(
                "/instances/{id}/signal",
                "Sends a signal to an instance (df.signal).",
                List.of(
                        Parameter.required("name", "string", "The name that a node waits for"),
                        Parameter.optional("data", "object", "Any JSON; {} without it")),
                (call, session) -> Change.of(
                        session,
                        "answer",
                        "SELECT df.signal(?, ?, coalesce(?, '{}')::pg_catalog.text)",
                        call.id("id"),
                        call.text("name"),
                        call.json("data")));
    }

    private static Endpoint redrive() {
        return Endpoint.post(
                "/instances/{id}/redrive",
                "Lets an instance that has failed or was cancelled go on (df.redrive).",
                List.of(FROM_NODE, VARS),
                (call, session) -> Change.of(
                        session,
                        "id",
                        "SELECT df.redrive(?, ?, ?::pg_catalog.jsonb)",
                        call.id("id"),
                        call.text("from_node"),
                        call.json("vars")));
    }

    private static Endpoint fork() {
        return Endpoint.post(
                "/instances/{id}/fork",
                "Starts a new instance with what had completed in one that has ended (df.fork).",
                List.of(
                        FROM_NODE,
                        Parameter.optional("replace", "object", "Other texts of nodes, by their ids"),
                        VARS,
                        Parameter.optional("options", "object", "options of df.start")),
                (call, session) -> Change.of(
                        session,
                        "id",
                        "SELECT df.fork(?, ?, ?::pg_catalog.jsonb, ?::pg_catalog.jsonb, ?::pg_catalog.jsonb)",
                        call.id("id"),
                        call.text("from_node"),
                        call.json("replace"),
                        call.json("vars"),
                        call.json("options")));
    }

    private static Endpoint cancelMany() {
        return Endpoint.post(
                "/instances/cancel",
                "Cancels all instances that a filter finds (df.cancel_many).",
                List.of(FILTER, Parameter.optional("reason", "string", "Why"), MOST),
                (call, session) -> Change.document(
                        session,
                        "SELECT pg_catalog.row_to_json(d) FROM df.cancel_many(?::pg_catalog.jsonb, coalesce(?, 'Cancelled by user'),"
                                + " coalesce(?::pg_catalog.int4, 1000)) AS d",
                        call.json("filter"),
                        call.text("reason"),
                        call.json("most")));
    }

    private static Endpoint signalMany() {
        return Endpoint.post(
                "/instances/signal",
                "Sends a signal to all instances that a filter finds (df.signal_many).",
                List.of(
                        FILTER,
                        Parameter.required("name", "string", "The name that a node waits for"),
                        Parameter.optional("data", "object", "Any JSON; {} without it"),
                        MOST),
                (call, session) -> Change.document(
                        session,
                        "SELECT pg_catalog.row_to_json(d) FROM df.signal_many(?::pg_catalog.jsonb, ?, coalesce(?, '{}')::pg_catalog.jsonb,"
                                + " coalesce(?::pg_catalog.int4, 1000)) AS d",
                        call.json("filter"),
                        call.text("name"),
                        call.json("data"),
                        call.json("most")));
    }

    private static Endpoint redriveMany() {
        return Endpoint.post(
                "/instances/redrive",
                "Lets all instances that a filter finds and that have failed or were cancelled go on (df.redrive_many).",
                List.of(FILTER, VARS, MOST),
                (call, session) -> Change.document(
                        session,
                        "SELECT pg_catalog.row_to_json(d) FROM df.redrive_many(?::pg_catalog.jsonb, vars => ?::pg_catalog.jsonb,"
                                + " most => coalesce(?::pg_catalog.int4, 1000)) AS d",
                        call.json("filter"),
                        call.json("vars"),
                        call.json("most")));
    }
}
