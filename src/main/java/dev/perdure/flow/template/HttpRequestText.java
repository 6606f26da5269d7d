package dev.perdure.flow.template;

import dev.perdure.flow.result.Json;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes a request as the JSON that the builders {@code df.http} and {@code df.http_multipart} write. */
final class HttpRequestText {

    private final StringBuilder out = new StringBuilder(256);

    private HttpRequestText() {}

    static String of(HttpRequest request) {
        HttpRequestText text = new HttpRequestText();
        text.write(request);
        return text.out.toString();
    }

    private void write(HttpRequest request) {
        member('{', "url", request.url());
        member(',', "method", request.method());
        if (request instanceof HttpRequest.Plain plain) {
            member(',', "body", plain.body());
        } else if (request instanceof HttpRequest.Multipart multipart) {
            out.append(",\"parts\":");
            char separator = '[';
            for (HttpRequest.Part part : multipart.parts()) {
                out.append(separator);
                separator = ',';
                write(part);
            }
            out.append(separator == '[' ? "[]" : "]");
        }
        out.append(",\"headers\":");
        char separator = '{';
        for (var header : request.headers().entrySet()) {
            member(separator, header.getKey(), header.getValue());
            separator = ',';
        }
        out.append(separator == '{' ? "null" : "}");
        out.append(",\"timeout_seconds\":").append(request.timeoutSeconds());
        if (request.expect() != null) {
            member(',', "expect", request.expect());
        }
        writeForm(request.options().formFields());
        out.append('}');
    }

    private void writeForm(Map<String, String> fields) {
        char separator = '{';
        for (var field : fields.entrySet()) {
            out.append(separator == '{' ? ",\"options\":{\"form_fields\":" : "");
            member(separator, field.getKey(), field.getValue());
            separator = ',';
        }
        out.append(separator == '{' ? "" : "}}");
    }

    private void write(HttpRequest.Part part) {
        member('{', "name", part.name());
        if (part.filename() != null) {
            member(',', "filename", part.filename());
        }
        if (part.contentType() != null) {
            member(',', "content_type", part.contentType());
        }
        member(',', "data_b64", part.data());
        out.append('}');
    }

    private void member(char separator, String name, @Nullable String value) {
        out.append(separator);
        Json.quote(name, out);
        out.append(':');
        if (value == null) {
            out.append("null");
        } else {
            Json.quote(SecretReference.written(value), out);
        }
    }
}
