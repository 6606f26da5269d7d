package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The fields of a form, as a body or as parts of one. */
final class FormFields {

    private FormFields() {}

    /** As {@code application/x-www-form-urlencoded}; null without any. */
    static @Nullable String encoded(Map<String, String> fields) {
        return fields.isEmpty()
                ? null
                : fields.entrySet().stream()
                        .map(field -> encode(field.getKey()) + "=" + encode(field.getValue()))
                        .collect(Collectors.joining("&"));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** The parts of a multipart body, the fields first. */
    static List<HttpRequest.Part> before(HttpRequest.Multipart request) {
        List<HttpRequest.Part> parts = new ArrayList<>();
        request.options()
                .formFields()
                .forEach((name, value) -> parts.add(new HttpRequest.Part(
                        name, null, null, Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8)))));
        parts.addAll(request.parts());
        return parts;
    }
}
