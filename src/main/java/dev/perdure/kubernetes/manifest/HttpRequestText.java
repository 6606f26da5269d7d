package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.template.StatusList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The common part of the two kinds of HTTP steps; the rules are those of {@code df._check_http}. */
final class HttpRequestText {

    private static final int DEFAULT_TIMEOUT_SECONDS = 30;

    private HttpRequestText() {}

    static String url(Fields fields) throws InvalidDefinitionException {
        String url = fields.text("url");
        // With a variable in it, the scheme is known only when the step is executed.
        if (url.indexOf('{') < 0) {
            String scheme = url.toLowerCase(Locale.ROOT).split("://", 2)[0];
            if (!scheme.equals("http") && !scheme.equals("https")) {
                throw fields.place("url").invalid("only http and https are allowed");
            }
        }
        return url;
    }

    static String method(Fields fields, List<String> methods) throws InvalidDefinitionException {
        String given = fields.optionalText("method");
        String method = given == null ? "POST" : given.toUpperCase(Locale.ROOT);
        if (!methods.contains(method)) {
            throw fields.place("method").invalid("expected one of " + String.join(", ", methods) + ", found " + given);
        }
        return method;
    }

    static String headers(Fields fields) throws InvalidDefinitionException {
        JsonNode headers = fields.optional("headers");
        if (headers == null) {
            return "null";
        }
        Place place = fields.place("headers");
        if (!headers.isObject()) {
            throw place.invalid("expected an object, found " + Fields.kind(headers));
        }
        for (Map.Entry<String, JsonNode> header : headers.properties()) {
            if (!header.getValue().isTextual()
                    && !header.getValue().isNumber()
                    && !header.getValue().isBoolean()) {
                throw place.member(header.getKey())
                        .invalid("expected a text, a number or a boolean, found " + Fields.kind(header.getValue()));
            }
        }
        return JsonText.compact(headers);
    }

    /** The member with its comma; empty when it is not given. */
    static String expect(Fields fields) throws InvalidDefinitionException {
        String expect = fields.optionalText("expect");
        if (expect == null) {
            return "";
        }
        if (!StatusList.isValid(expect)) {
            throw fields.place("expect").invalid("'" + expect + "' is no list of statuses, such as 2xx or 2xx,404");
        }
        return ",\"expect\":" + JsonText.quote(expect);
    }

    static int timeout(Fields fields) throws InvalidDefinitionException {
        @Nullable Integer seconds = fields.optionalPositive("timeoutSeconds");
        return seconds == null ? DEFAULT_TIMEOUT_SECONDS : seconds;
    }
}
