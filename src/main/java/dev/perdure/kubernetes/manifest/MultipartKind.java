package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** {@code multipart: {url, method, parts, headers, timeoutSeconds, expect, httpOptions}}, as {@code df.http_multipart}. */
final class MultipartKind implements StepKind {

    private static final List<String> METHODS = List.of("POST", "PUT", "PATCH");

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields =
                Fields.of(value, place, "url", "method", "parts", "headers", "timeoutSeconds", "expect", "httpOptions");
        String config = "{\"url\":" + JsonText.quote(HttpRequestText.url(fields))
                + ",\"method\":" + JsonText.quote(HttpRequestText.method(fields, METHODS))
                + ",\"parts\":" + parts(fields)
                + ",\"headers\":" + HttpRequestText.headers(fields)
                + ",\"timeout_seconds\":" + HttpRequestText.timeout(fields) + HttpRequestText.expect(fields)
                + "}";
        return NodeText.leaf("HTTP_MULTIPART", HttpOptionsText.with(fields, config, null));
    }

    private static String parts(Fields fields) throws InvalidDefinitionException {
        JsonNode parts = fields.required("parts");
        Place place = fields.place("parts");
        if (!parts.isArray() || parts.isEmpty()) {
            throw place.invalid("expected a list of at least one part");
        }
        for (int i = 0; i < parts.size(); i++) {
            PartText.check(parts.get(i), place.item(i));
        }
        return JsonText.compact(parts);
    }
}
