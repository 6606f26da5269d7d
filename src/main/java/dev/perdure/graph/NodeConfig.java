package dev.perdure.graph;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The configuration of a node: its query as a JSON object, whose members are checked when they are read. */
final class NodeConfig {

    private static final JsonMapper JSON = new JsonMapper();
    /** Ten years. */
    private static final long LONGEST_MILLIS = 315_576_000_000L;

    private final String nodeType;
    private final @Nullable JsonNode json;
    private final Function<String, InvalidGraphException> invalid;

    private NodeConfig(String nodeType, @Nullable JsonNode json, Function<String, InvalidGraphException> invalid) {
        this.nodeType = nodeType;
        this.json = json;
        this.invalid = invalid;
    }

    /**
     * The configuration of a node, which has no members when the node has no query.
     *
     * @param invalid says of the node what is wrong
     */
    static NodeConfig of(NodeRow row, Function<String, InvalidGraphException> invalid) {
        String query = row.query();
        if (query == null) {
            return new NodeConfig(row.nodeType(), null, invalid);
        }
        JsonNode json;
        try {
            json = JSON.readTree(query);
        } catch (JsonProcessingException e) {
            throw invalid.apply("query in " + row.nodeType() + " must be valid JSON config: " + e.getOriginalMessage());
        }
        if (!json.isObject()) {
            throw invalid.apply("query in " + row.nodeType() + " must be a JSON config object");
        }
        return new NodeConfig(row.nodeType(), json, invalid);
    }

    /** All of it, of a type that cannot be without. */
    JsonNode required() {
        if (json == null) {
            throw invalid.apply(nodeType + " has no configuration");
        }
        return json;
    }

    /** A member as it is; null when it is absent. */
    @Nullable JsonNode get(String member) {
        return json == null ? null : json.get(member);
    }

    /** Whether a member is there and not null. */
    boolean isSet(String member) {
        JsonNode value = get(member);
        return value != null && !value.isNull();
    }

    /** A member that is a string; null when it is absent or null. */
    @Nullable String string(String member) {
        JsonNode value = get(member);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw invalid.apply(member + " is not a string");
        }
        return value.textValue();
    }

    /** A member that is true or false; false when it is absent or null. */
    boolean flag(String member) {
        JsonNode value = get(member);
        if (value == null || value.isNull()) {
            return false;
        }
        if (!value.isBoolean()) {
            throw invalid.apply(member + " of " + nodeType + " is neither true nor false");
        }
        return value.booleanValue();
    }

    /** A member that is a number of milliseconds, up to ten years of them. */
    Duration millis(String member, long least) {
        JsonNode value = get(member);
        if (value == null
                || !value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < least
                || value.longValue() > LONGEST_MILLIS) {
            throw invalid.apply(
                    member + " of " + nodeType + " is not an integer from " + least + " to " + LONGEST_MILLIS);
        }
        return Duration.ofMillis(value.longValue());
    }

    /** A member that is a number from 1 to the most that there may be. */
    int upTo(int most, String member) {
        JsonNode value = get(member);
        if (value == null
                || !value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < 1
                || value.intValue() > most) {
            throw invalid.apply(member + " of " + nodeType + " is not a whole number from 1 to " + most + ": " + value);
        }
        return value.intValue();
    }

    /** The longest time of a wait; null when it may last for ever. */
    @Nullable Integer timeoutSeconds() {
        JsonNode value = get("timeout_seconds");
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() <= 0) {
            throw invalid.apply("timeout_seconds of " + nodeType + " is not a positive integer: " + value);
        }
        return value.intValue();
    }
}
