package dev.perdure.step.http;

import io.vertx.core.MultiMap;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The headers of a request: those of the step, checked, and the default ones that the step does not have. */
final class RequestHeaders {

    private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
    /** They belong to the connection or to the framing of the message (RFC 9110, 7.6.1), not to the request. */
    private static final Set<String> RESERVED = Set.of(
            "connection",
            "content-length",
            "expect",
            "host",
            "keep-alive",
            "proxy-authenticate",
            "proxy-authorization",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    private final String url;
    private final MultiMap headers = MultiMap.caseInsensitiveMultiMap();

    RequestHeaders(String url) {
        this.url = url;
    }

    /**
     * Adds the step's own headers.
     *
     * @throws HttpStepException when one of them cannot be sent
     */
    RequestHeaders ofStep(Map<String, String> own) throws HttpStepException {
        for (Map.Entry<String, String> header : own.entrySet()) {
            String name = header.getKey();
            if (!TOKEN.matcher(name).matches()) {
                throw HttpStepException.invalid(url, "'" + printable(name) + "' is not a header name");
            }
            if (RESERVED.contains(name.toLowerCase(Locale.ROOT))) {
                throw HttpStepException.invalid(url, "the header '" + name + "' is set by the worker itself");
            }
            if (header.getValue().chars().anyMatch(c -> c < ' ' && c != '\t' || c == 0x7f)) {
                throw HttpStepException.invalid(
                        url, "the value of header '" + name + "' contains a line break or another control character");
            }
            headers.set(name, latin1(header.getValue()));
        }
        return this;
    }

    RequestHeaders missing(String name, String value) {
        if (!headers.contains(name)) {
            headers.set(name, value);
        }
        return this;
    }

    RequestHeaders set(String name, String value) {
        headers.set(name, value);
        return this;
    }

    MultiMap all() {
        return headers;
    }

    /** The client writes one byte a character: UTF-8 goes out when each of its bytes is a character. */
    private static String latin1(String value) {
        return new String(value.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    private static String printable(String name) {
        return name.replaceAll("\\p{Cntrl}", "?");
    }
}
