package dev.perdure.flow.template;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The options of a request from {@code df.with_http_options}.
 *
 * @param maxRequestBytes of the body that is sent; null: as many as there are
 * @param maxResponseBytes of the body that comes; null: as the worker allows
 * @param kept what is kept of the answer
 * @param headers which headers of it are kept
 * @param named the names of those, in lower case, when only some are
 * @param formFields sent as a form, or as parts of a multipart body; values after substitution
 */
public record HttpOptions(
        @Nullable Integer maxRequestBytes,
        @Nullable Integer maxResponseBytes,
        Kept kept,
        Headers headers,
        List<String> named,
        Map<String, String> formFields) {

    public static final HttpOptions NONE = new HttpOptions(null, null, Kept.INLINE, Headers.ALL, List.of(), Map.of());

    /** The part of an answer that is kept. */
    public enum Kept {
        /** Everything. */
        INLINE,
        /** Everything but the body, of which only the length is. */
        METADATA,
        /** Its status. */
        DISCARD
    }

    /** The headers of an answer that are kept. */
    public enum Headers {
        ALL,
        /** Those that give nobody a right. */
        SAFE,
        NAMED
    }

    private static final Pattern UNSAFE =
            Pattern.compile("cookie|auth|token|secret|session|csrf|xsrf|password|credential|api-?key|signature");

    /** Whether the body of the answer is kept. */
    public boolean keepsBody() {
        return kept == Kept.INLINE;
    }

    /** Whether a header of the answer is kept. */
    public boolean keepsHeader(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return kept != Kept.DISCARD
                && switch (headers) {
                    case ALL -> true;
                    case SAFE -> !UNSAFE.matcher(lower).find();
                    case NAMED -> named.contains(lower);
                };
    }

    HttpOptions resolved(UnaryOperator<String> values) {
        if (formFields.isEmpty()) {
            return this;
        }
        Map<String, String> resolved = new LinkedHashMap<>();
        formFields.forEach((name, value) -> resolved.put(name, SecretReference.resolve(value, values)));
        return new HttpOptions(maxRequestBytes, maxResponseBytes, kept, headers, named, resolved);
    }
}
