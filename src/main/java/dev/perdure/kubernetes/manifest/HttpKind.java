package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code http: {url, method, body, headers, timeoutSeconds, expect}}, as {@code df.http}. */
final class HttpKind implements StepKind {

    private static final List<String> METHODS = List.of("GET", "POST", "PUT", "DELETE", "PATCH");

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(value, place, "url", "method", "body", "headers", "timeoutSeconds", "expect");
        return NodeText.leaf(
                "HTTP",
                "{\"url\":" + JsonText.quote(HttpRequestText.url(fields))
                        + ",\"method\":" + JsonText.quote(HttpRequestText.method(fields, METHODS))
                        + ",\"body\":" + body(fields)
                        + ",\"headers\":" + HttpRequestText.headers(fields)
                        + ",\"timeout_seconds\":" + HttpRequestText.timeout(fields) + HttpRequestText.expect(fields)
                        + "}");
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
