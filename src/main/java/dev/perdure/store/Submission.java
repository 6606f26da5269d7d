package dev.perdure.store;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A workflow that the worker starts for a role.
 *
 * @param key the idempotency key: the same role gets the same instance for it
 * @param role as whom
 * @param definition the JSON of a node, or with {@code expression} an expression of the SQL language
 * @param database null for the database that holds schema df
 * @param vars captured variables by name
 * @param queue null for none
 * @param attributes by which it is found
 */
public record Submission(
        String key,
        String role,
        String definition,
        boolean expression,
        String label,
        @Nullable String database,
        Map<String, String> vars,
        @Nullable Queue queue,
        Map<String, JsonNode> attributes) {

    /** A queue of the role, or one that was granted to it. */
    public record Queue(String name, @Nullable String key, @Nullable Integer priority) {}
}
