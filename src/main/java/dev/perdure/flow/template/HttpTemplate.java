package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.Json;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The stored configuration of an HTTP step, and the texts with references: URL, body and the values of headers, as they are (specification
 * 4.5). Numbers and booleans among the headers become text.
 */
public final class HttpTemplate {

    private static final int DEFAULT_TIMEOUT = 30;

    private final String kind;
    private final JsonNode config;
    private final Substitution substitution;

    /**
     * @param kind how error texts call the configuration: {@code HTTP} or {@code multipart HTTP}
     * @throws SubstitutionException when the configuration is no JSON object
     */
    public HttpTemplate(String kind, String config, Substitution substitution) {
        this.kind = kind;
        this.substitution = substitution;
        JsonNode json = Json.parse(config);
        if (json == null || !json.isObject()) {
            throw new SubstitutionException("Invalid " + kind + " config: it is not a JSON object");
        }
        this.config = json;
    }

    public SubstitutionException invalid(String problem) {
        return new SubstitutionException("Invalid " + kind + " config: " + problem);
    }

    public String url() {
        String url = substitution.partWithSecrets(required(config, "url"));
        if (SecretReference.isIn(url)) {
            throw new SubstitutionException(
                    "secrets are put into headers and bodies only: a URL stands in logs and errors");
        }
        return url;
    }

    public String method() {
        return required(config, "method");
    }

    public @Nullable String body() {
        String body = optional(config, "body");
        if (body == null) {
            return null;
        }
        return isJson(body) ? substitution.jsonWithSecrets(body) : substitution.partWithSecrets(body);
    }

    /** Whether the body is JSON: by the declared type, or by its beginning when none is declared. */
    private boolean isJson(String body) {
        for (Map.Entry<String, JsonNode> header : config.path("headers").properties()) {
            if (header.getKey().equalsIgnoreCase("content-type")) {
                return header.getValue().asText().toLowerCase(Locale.ROOT).contains("json");
            }
        }
        String text = body.stripLeading();
        return text.startsWith("{") || text.startsWith("[") || text.startsWith("\"");
    }

    public Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>();
        JsonNode stored = config.path("headers");
        if (stored.isMissingNode() || stored.isNull()) {
            return headers;
        }
        if (!stored.isObject()) {
            throw invalid("headers must be a JSON object");
        }
        for (String name :
                stored.properties().stream().map(Map.Entry::getKey).sorted().toList()) {
            JsonNode value = stored.path(name);
            if (!value.isValueNode() || value.isNull()) {
                throw invalid("header '" + name + "' must be a string, a number or a boolean");
            }
            headers.put(name, value.isTextual() ? substitution.partWithSecrets(value.textValue()) : Json.write(value));
        }
        return headers;
    }

    public int timeoutSeconds() {
        JsonNode stored = config.path("timeout_seconds");
        if (stored.isMissingNode() || stored.isNull()) {
            return DEFAULT_TIMEOUT;
        }
        if (!stored.canConvertToInt() || !stored.isIntegralNumber() || stored.intValue() <= 0) {
            throw invalid("timeout_seconds must be a positive whole number");
        }
        return stored.intValue();
    }

    /** The statuses that are a success; null when it does not say. */
    public @Nullable String expect() {
        String expect = optional(config, "expect");
        if (expect != null && !StatusList.isValid(expect)) {
            throw invalid("expect is no list of statuses: " + expect);
        }
        return expect;
    }

    /** The options of {@code df.with_http_options}. */
    public HttpOptions options() {
        try {
            return HttpOptionsReader.read(config.path("options"), substitution::partWithSecrets);
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    public JsonNode member(String name) {
        return config.path(name);
    }

    public String required(JsonNode object, String member) {
        String value = optional(object, member);
        if (value == null) {
            throw invalid("missing field '" + member + "'");
        }
        return value;
    }

    public @Nullable String optional(JsonNode object, String member) {
        JsonNode value = object.path(member);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw invalid(member + " must be a string");
        }
        return value.textValue();
    }
}
