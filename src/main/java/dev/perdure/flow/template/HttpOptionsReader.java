package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Reads the options of a stored configuration; {@code df._check_http_options} has the same rules. */
final class HttpOptionsReader {

    private HttpOptionsReader() {}

    /**
     * The options.
     *
     * @param value puts what is referred to into the value of a form field
     * @throws IllegalArgumentException what is wrong
     */
    static HttpOptions read(JsonNode json, UnaryOperator<String> value) {
        if (json.isMissingNode() || json.isNull()) {
            return HttpOptions.NONE;
        }
        if (!json.isObject()) {
            throw new IllegalArgumentException("options must be a JSON object");
        }
        JsonNode headers = json.path("response_headers");
        List<String> named = new ArrayList<>();
        headers.forEach(name -> named.add(name.asText().toLowerCase(Locale.ROOT)));
        Map<String, String> fields = new LinkedHashMap<>();
        json.path("form_fields")
                .properties()
                .forEach(field -> fields.put(
                        field.getKey(),
                        field.getValue().isTextual()
                                ? value.apply(field.getValue().textValue())
                                : field.getValue().asText()));
        return new HttpOptions(
                bytes(json, "max_request_bytes"),
                bytes(json, "max_response_bytes"),
                oneOf(HttpOptions.Kept.class, "response", json.path("response"), HttpOptions.Kept.INLINE),
                headers.isArray()
                        ? HttpOptions.Headers.NAMED
                        : oneOf(HttpOptions.Headers.class, "response_headers", headers, HttpOptions.Headers.ALL),
                List.copyOf(named),
                fields);
    }

    private static @Nullable Integer bytes(JsonNode json, String name) {
        JsonNode bytes = json.path(name);
        if (bytes.isMissingNode() || bytes.isNull()) {
            return null;
        }
        if (!bytes.isIntegralNumber() || !bytes.canConvertToInt() || bytes.intValue() < 1) {
            throw new IllegalArgumentException(name + " must be a positive whole number");
        }
        return bytes.intValue();
    }

    private static <E extends Enum<E>> E oneOf(Class<E> type, String name, JsonNode json, E otherwise) {
        if (json.isMissingNode() || json.isNull()) {
            return otherwise;
        }
        for (E value : type.getEnumConstants()) {
            if (value.name().toLowerCase(Locale.ROOT).equals(json.asText())
                    && !value.name().equals("NAMED")) {
                return value;
            }
        }
        throw new IllegalArgumentException(name + " is none of those that there are: " + json.asText());
    }
}
