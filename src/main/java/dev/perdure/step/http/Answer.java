package dev.perdure.step.http;

import dev.perdure.flow.result.Json;
import dev.perdure.flow.template.HttpOptions;
import io.vertx.core.MultiMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Answer of a server.
 *
 * @param headers one value for each name, in lower case; of repeated ones the last
 * @param bytes of the body
 * @param millis from the beginning of the request to the end of the body
 */
public record Answer(int status, Map<String, String> headers, ResponseText body, int bytes, long millis) {

    /**
     * An answer as it came.
     *
     * @param body what is kept of it
     * @param length of the whole body, in bytes
     */
    public static Answer of(int status, MultiMap headers, byte[] body, int length, long millis) {
        Map<String, String> names = new LinkedHashMap<>();
        for (Map.Entry<String, String> header : headers) {
            // NUL is the one character that PostgreSQL cannot store.
            names.put(
                    header.getKey().toLowerCase(Locale.ROOT).replace('\0', '\ufffd'),
                    header.getValue().replace('\0', '\ufffd'));
        }
        return new Answer(status, names, ResponseText.of(body, names.get("content-type")), length, millis);
    }

    public HttpOutcome outcome() {
        return HttpOutcome.ofStatus(status);
    }

    @Nullable String retryAfter() {
        return headers.get("retry-after");
    }

    /** The result document of the step (specification 4.10, "Envelope"). */
    public String envelope() {
        return envelope(HttpOptions.NONE);
    }

    /** The same, with only the parts that the options keep. */
    public String envelope(HttpOptions options) {
        StringBuilder out = new StringBuilder(body.text().length() + 256);
        out.append("{\"status\":").append(status).append(",\"body\":");
        if (options.keepsBody()) {
            Json.quote(body.text(), out);
            out.append(",\"encoding\":\"").append(body.encoding()).append('"');
        } else {
            out.append("null,\"encoding\":null,\"body_bytes\":").append(bytes);
        }
        out.append(",\"headers\":");
        char separator = '{';
        for (Map.Entry<String, String> header : headers.entrySet()) {
            if (options.keepsHeader(header.getKey())) {
                out.append(separator);
                separator = ',';
                Json.quote(header.getKey(), out);
                out.append(':');
                Json.quote(header.getValue(), out);
            }
        }
        out.append(separator == '{' ? "{}" : "}");
        boolean ok = status >= 200 && status < 300;
        return out.append(",\"ok\":")
                .append(ok)
                .append(",\"duration_ms\":")
                .append(millis)
                .append('}')
                .toString();
    }
}
