package dev.perdure.graph;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Lists of failures, in {@code df.retry} and {@code df.catch}: SQLSTATEs of five characters, their classes of two, {@code http:429},
 * {@code http:5xx}, {@code http:error} (no answer), {@code timeout}, {@code child}, and words of programs. {@code df._check_codes} has the same rules.
 */
final class FailureConditions {

    private static final Pattern CONDITION = Pattern.compile(
            "[0-9A-Z]{2}|[0-9A-Z]{5}|http:([1-5][0-9]{2}|[1-5]xx|error)|[A-Za-z0-9_][A-Za-z0-9_.-]{2,62}");

    private FailureConditions() {}

    /**
     * Reads a member of a configuration, which may be written by hand; null when it is absent.
     *
     * @throws IllegalArgumentException when it makes no sense; the message says what is wrong
     */
    static @Nullable List<String> parse(JsonNode config, String member, String type) {
        JsonNode conditions = config.path(member);
        if (conditions.isNull() || conditions.isMissingNode()) {
            return null;
        }
        if (!conditions.isArray()) {
            throw new IllegalArgumentException(member + " of " + type + " is neither null nor an array");
        }
        List<String> all = new ArrayList<>();
        for (JsonNode condition : conditions) {
            if (!condition.isTextual()
                    || !CONDITION.matcher(condition.textValue()).matches()) {
                throw new IllegalArgumentException(member + " of " + type + " holds " + condition
                        + ", which is no SQLSTATE, class of SQLSTATEs, HTTP outcome or code of a program");
            }
            all.add(condition.textValue());
        }
        return List.copyOf(all);
    }
}
