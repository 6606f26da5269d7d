package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code http: {url, method, body, headers, timeoutSeconds, expect, httpOptions}}, as {@code df.http}. */
final class HttpKind implements StepKind {

    private static final List<String> METHODS = List.of("GET", "POST", "PUT", "DELETE", "PATCH");

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields =
                Fields.of(value, place, "url", "method", "body", "headers", "timeoutSeconds", "expect", "httpOptions");
        String method = HttpRequestText.method(fields, METHODS);
        String config = "{\"url\":" + JsonText.quote(HttpRequestText.url(fields))
                + ",\"method\":" + JsonText.quote(method)
                + ",\"body\":" + body(fields)
                + ",\"headers\":" + HttpRequestText.headers(fields)
                + ",\"timeout_seconds\":" + HttpRequestText.timeout(fields) + HttpRequestText.expect(fields)
                + "}";
        return NodeText.leaf("HTTP", HttpOptionsText.with(fields, config, formless(fields, method)));
    }

    /** Why the request can have no form. */
    private static @Nullable String formless(Fields fields, String method) {
        if (fields.optional("body") != null) {
            return "the request has a body already";
        }
        return method.equals("GET") || method.equals("DELETE") ? "a " + method + " request has no form" : null;
    }

    /** A text is sent as it is, anything else as JSON. */
    private static String body(Fields fields) {
        JsonNode body = fields.optional("body");
        if (body == null) {
            return "null";
        }
        return JsonText.quote(body.isTextual() ? body.textValue() : JsonText.compact(body));
    }
}
