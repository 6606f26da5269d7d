package dev.perdure.web.api;

import dev.perdure.web.Problem;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * One thing that can be asked or done.
 *
 * @param method GET or POST
 * @param path below {@code /api/v1}, with {@code {name}} for what is filled in
 * @param summary one line for people
 * @param parameters of the query
 * @param fields of the body
 * @param at where it is answered
 */
public record Endpoint(
        String method,
        String path,
        String summary,
        List<Parameter> parameters,
        List<Parameter> fields,
        Where at,
        Handler handler) {

    /**
     * A parameter of the query, or a field of the body.
     *
     * @param type as in a JSON schema: string, integer, boolean, object
     */
    public record Parameter(String name, String type, boolean required, String description) {

        static Parameter optional(String name, String type, String description) {
            return new Parameter(name, type, false, description);
        }

        static Parameter required(String name, String type, String description) {
            return new Parameter(name, type, true, description);
        }
    }

    /** The server that answers. */
    public enum Where {
        /** By a read replica, where there is one: it only reads. */
        REPLICA,
        /** By the primary: it reads of the server itself. */
        PRIMARY,
        /** By the primary: it changes something, and is refused where nothing may be changed. */
        CHANGES
    }

    /** Whether it changes anything. */
    public boolean changes() {
        return at == Where.CHANGES;
    }

    /** The same, answered by the primary. */
    Endpoint ofPrimary() {
        return new Endpoint(method, path, summary, parameters, fields, Where.PRIMARY, handler);
    }

    /** Answers a call in a session of the caller, with JSON. */
    @FunctionalInterface
    public interface Handler {
        String answer(Call call, Connection session) throws SQLException, Problem;
    }

    static Endpoint get(String path, String summary, List<Parameter> parameters, Handler handler) {
        return new Endpoint("GET", path, summary, parameters, List.of(), Where.REPLICA, handler);
    }

    /** An endpoint that answers with server-sent events: it has no handler of this kind. */
    static Endpoint stream(String path, String summary) {
        Handler none = (call, session) -> {
            throw new IllegalStateException(path + " is followed");
        };
        return get(
                path,
                summary,
                List.of(Parameter.optional(
                        "cursor", "string", "The id of the last event; Last-Event-ID of the request comes before it")),
                none);
    }

    static Endpoint post(String path, String summary, List<Parameter> fields, Handler handler) {
        return new Endpoint("POST", path, summary, List.of(), fields, Where.CHANGES, handler);
    }
}
