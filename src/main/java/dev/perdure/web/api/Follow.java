package dev.perdure.web.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.web.Problem;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Something that can be followed: it is read again and again, each time from the cursor of the time before.
 *
 * @param path below {@code /api/v1}, with {@code {name}} for what is filled in
 * @param summary one line for people
 */
public record Follow(String path, String summary, Reader reader) {

    /** Reads the changes, in a session of a caller. */
    @FunctionalInterface
    public interface Reader {
        Reading read(Call call, @Nullable String cursor, Connection session) throws SQLException, Problem;
    }

    /**
     * The changes read.
     *
     * @param cursor for the next time
     * @param worker whether anybody works, as JSON
     * @param changes what has changed since the cursor, by its id; what was told before may be among them
     * @param more whether there may be changes besides these
     */
    public record Reading(String cursor, String worker, Map<String, Changed> changes, boolean more) {

        static Reading of(JsonNode document, int most) {
            Map<String, Changed> changes = new LinkedHashMap<>();
            for (JsonNode each : document.path("changes")) {
                JsonNode event = each.path("event");
                changes.put(
                        event.path("id").asText(),
                        new Changed(each.path("stamp").asText(), event));
            }
            return new Reading(
                    document.path("cursor").asText(),
                    document.path("worker").toString(),
                    changes,
                    changes.size() >= most);
        }
    }

    /**
     * One thing that has changed.
     *
     * @param stamp another one whenever it changes
     * @param event what is told of it
     */
    public record Changed(String stamp, JsonNode event) {}

    /** The endpoint, whose parameter is the cursor, so that a call is read as others are. */
    public Endpoint endpoint() {
        return Endpoint.stream(path, summary);
    }
}
