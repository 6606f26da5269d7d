package dev.perdure.web.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.leader.LeaderStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Version 1 of the API: its endpoints, and their description, which is made from them. */
public final class Api {

    /** The beginning of the paths of all endpoints. */
    public static final String BASE = "/api/v1";

    private final List<Endpoint> endpoints = new ArrayList<>();
    private final List<Follow> follows = Changes.all();

    public Api(LeaderStatus leader) {
        endpoints.add(InstanceList.endpoint());
        endpoints.addAll(InstanceDetail.endpoints());
        endpoints.addAll(Actions.endpoints());
        endpoints.add(Workflows.explain());
        endpoints.addAll(Named.endpoints());
        endpoints.addAll(People.endpoints());
        endpoints.addAll(Cluster.endpoints(leader));
    }

    public List<Endpoint> endpoints() {
        return List.copyOf(endpoints);
    }

    /** The streams of server-sent events. */
    public List<Follow> follows() {
        return follows;
    }

    /** The description, <a href="https://spec.openapis.org/oas/v3.1.0">OpenAPI 3.1</a>; of every worker the same. */
    public static String describe() {
        return new Api(new LeaderStatus()).openApi();
    }

    private String openApi() {
        ObjectNode document = Json.object();
        document.put("openapi", "3.1.0");
        document.putObject("info")
                .put("title", "Perdure")
                .put("version", "1")
                .put(
                        "description",
                        "Durable SQL functions over HTTP. Each call is one of a df function in a session that is logged in as the caller."
                                + " Where a worker serves several databases, a request names one, in the header X-Perdure-Database or as"
                                + " ?database= in its address; GET /session answers their names.");
        document.putArray("servers").addObject().put("url", BASE);
        ObjectNode components = document.putObject("components");
        describeDatabase(components.putObject("parameters").putObject("database"));
        ObjectNode schemes = components.putObject("securitySchemes");
        schemes.putObject("password").put("type", "http").put("scheme", "basic");
        schemes.putObject("token").put("type", "http").put("scheme", "bearer");
        ArrayNode security = document.putArray("security");
        security.addObject().putArray("password");
        security.addObject().putArray("token");
        ObjectNode paths = document.putObject("paths");
        for (Endpoint endpoint : endpoints) {
            ObjectNode operation = paths.withObject(
                            "/" + endpoint.path().replace("~", "~0").replace("/", "~1"))
                    .putObject(endpoint.method().toLowerCase(Locale.ROOT));
            describe(endpoint, operation, "application/json");
        }
        for (Follow follow : follows) {
            ObjectNode operation = paths.withObject(
                            "/" + follow.path().replace("~", "~0").replace("/", "~1"))
                    .putObject("get");
            describe(follow.endpoint(), operation, "text/event-stream");
        }
        paths.forEach(path ->
                ((ObjectNode) path).putArray("parameters").addObject().put("$ref", "#/components/parameters/database"));
        describeAnswers(paths.putObject("/answers/{address}").putObject("post"));
        return document.toPrettyString();
    }

    private static void describeDatabase(ObjectNode parameter) {
        parameter
                .put("name", "X-Perdure-Database")
                .put("in", "header")
                .put("required", false)
                .put("description", "The database, where the worker serves several; ?database= means the same");
        parameter.putObject("schema").put("type", "string");
    }

    /** Describes addresses that steps have handed out; the path is the only credential. */
    private static void describeAnswers(ObjectNode operation) {
        operation.put(
                "summary",
                "Answers the step that has handed out this address ({sys_signal_url:name}): sends its signal, or decides its approval, once.");
        operation.putArray("security");
        ObjectNode parameter = operation.putArray("parameters").addObject();
        parameter.put("name", "address").put("in", "path").put("required", true);
        parameter.putObject("schema").put("type", "string");
        ObjectNode content = operation.putObject("requestBody").putObject("content");
        content.putObject("application/json");
        content.putObject("application/x-www-form-urlencoded");
        content.putObject("text/plain");
        ObjectNode responses = operation.putObject("responses");
        responses.putObject("200").put("description", "{\"answer\": \"done\"}, or \"already done\"");
        responses.putObject("404").put("description", "It is no address");
        responses.putObject("409").put("description", "There is no approval to decide, or there are several");
        responses
                .putObject("410")
                .put("description", "It has expired, the workflow has ended, or has asked again since");
    }

    private static void describe(Endpoint endpoint, ObjectNode operation, String answer) {
        operation.put("summary", endpoint.summary());
        ArrayNode parameters = operation.putArray("parameters");
        for (String part : endpoint.path().split("/")) {
            if (part.startsWith("{")) {
                ObjectNode parameter = parameters.addObject();
                parameter
                        .put("name", part.substring(1, part.length() - 1))
                        .put("in", "path")
                        .put("required", true);
                parameter.putObject("schema").put("type", "string");
            }
        }
        for (Endpoint.Parameter each : endpoint.parameters()) {
            ObjectNode parameter = parameters.addObject();
            parameter
                    .put("name", each.name())
                    .put("in", "query")
                    .put("required", each.required())
                    .put("description", each.description());
            parameter.putObject("schema").put("type", each.type());
        }
        if (!endpoint.fields().isEmpty()) {
            ObjectNode schema = operation
                    .putObject("requestBody")
                    .putObject("content")
                    .putObject("application/json")
                    .putObject("schema");
            schema.put("type", "object");
            ObjectNode properties = schema.putObject("properties");
            ArrayNode required = schema.putArray("required");
            for (Endpoint.Parameter field : endpoint.fields()) {
                properties.putObject(field.name()).put("type", field.type()).put("description", field.description());
                if (field.required()) {
                    required.add(field.name());
                }
            }
        }
        ObjectNode responses = operation.putObject("responses");
        responses
                .putObject("200")
                .put("description", "The answer")
                .putObject("content")
                .putObject(answer);
        responses
                .putObject("default")
                .put(
                        "description",
                        "Why not: status, title, detail; of an error of PostgreSQL sqlstate, message, detail, hint")
                .putObject("content")
                .putObject("application/problem+json");
    }
}
