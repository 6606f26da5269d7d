package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code httpOptions: {maxRequestBytes, maxResponseBytes, response, responseHeaders, formFields}} of a request, as {@code
 * df.with_http_options}; the rules are those of {@code df._check_http_options}.
 */
final class HttpOptionsText {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> KEPT = List.of("inline", "metadata", "discard");
    private static final List<String> HEADERS = List.of("all", "safe");

    private HttpOptionsText() {}

    /**
     * The configuration of a request with its options.
     *
     * @param formless why the request can have no form; null when it can
     */
    static String with(Fields request, String config, @Nullable String formless) throws InvalidDefinitionException {
        JsonNode given = request.optional("httpOptions");
        if (given == null) {
            return config;
        }
        Place place = request.place("httpOptions");
        Fields fields = Fields.of(
                given, place, "maxRequestBytes", "maxResponseBytes", "response", "responseHeaders", "formFields");
        ObjectNode options = JsonNodeFactory.instance.objectNode();
        bytes(fields, "maxRequestBytes", options, "max_request_bytes");
        bytes(fields, "maxResponseBytes", options, "max_response_bytes");
        String response = fields.optionalText("response");
        if (response != null) {
            if (!KEPT.contains(response)) {
                throw fields.place("response").invalid("expected inline, metadata or discard");
            }
            options.put("response", response);
        }
        headers(fields, options);
        form(fields, options, formless);
        try {
            return JsonText.compact(((ObjectNode) JSON.readTree(config)).set("options", options));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a configuration that was made here is no JSON", e);
        }
    }

    private static void bytes(Fields fields, String name, ObjectNode options, String option)
            throws InvalidDefinitionException {
        Integer bytes = fields.optionalPositive(name);
        if (bytes != null) {
            options.put(option, bytes);
        }
    }

    private static void headers(Fields fields, ObjectNode options) throws InvalidDefinitionException {
        JsonNode headers = fields.optional("responseHeaders");
        if (headers == null) {
            return;
        }
        boolean isList = headers.isArray();
        for (JsonNode name : headers) {
            isList &= name.isTextual();
        }
        if (!isList && !(headers.isTextual() && HEADERS.contains(headers.textValue()))) {
            throw fields.place("responseHeaders").invalid("expected all, safe or a list of names");
        }
        options.set("response_headers", headers);
    }

    private static void form(Fields fields, ObjectNode options, @Nullable String formless)
            throws InvalidDefinitionException {
        JsonNode form = fields.optional("formFields");
        if (form == null) {
            return;
        }
        Place place = fields.place("formFields");
        if (!form.isObject()) {
            throw place.invalid("expected an object, found " + Fields.kind(form));
        }
        for (Map.Entry<String, JsonNode> field : form.properties()) {
            JsonNode value = field.getValue();
            if (!value.isTextual() && !value.isNumber() && !value.isBoolean()) {
                throw place.member(field.getKey())
                        .invalid("expected a text, a number or a boolean, found " + Fields.kind(value));
            }
        }
        if (formless != null) {
            throw place.invalid(formless);
        }
        options.set("form_fields", form);
    }
}
