package dev.perdure.flow;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Kinds of failure, in the words of {@code df.retry} and {@code df.catch}: a SQLSTATE, {@code http:<status>}, or {@code http:error} for a
 * request without an answer, or {@code timeout}.
 */
public final class FailureCode {

    private static final String HTTP = "http:";

    /** The code of a request without an answer. */
    public static final String HTTP_ERROR = HTTP + "error";

    /** The code of a {@code df.timeout}, or of an instance, whose time is over. */
    public static final String TIMEOUT = "timeout";

    /** The code of a {@code df.call} whose child has not completed. */
    public static final String CHILD = "child";

    /** Statuses that ask for another try (RFC 9110, 15.5.9; RFC 8470; RFC 6585), beside 5xx. */
    private static final Set<Integer> TRY_AGAIN = Set.of(408, 425, 429);

    private FailureCode() {}

    /** The code of an answer. */
    public static String http(int status) {
        return HTTP + status;
    }

    /** Whether the conditions have a failure tried again; without conditions, every failure is. */
    public static boolean matches(@Nullable List<String> conditions, @Nullable String code) {
        if (conditions == null) {
            return true;
        }
        return code != null
                && conditions.stream()
                        .anyMatch(condition -> condition.equals(code)
                                || condition.length() == 2 && code.length() == 5 && code.startsWith(condition)
                                || condition.endsWith("xx")
                                        && condition.length() == code.length()
                                        && code.startsWith(condition.substring(0, condition.length() - 2)));
    }

    /** Whether the conditions make a failure of an answer that is none by itself. */
    public static boolean isFailure(@Nullable List<String> conditions, int status) {
        return conditions == null
                ? TRY_AGAIN.contains(status) || status >= 500 && status <= 599
                : matches(conditions, http(status));
    }
}
