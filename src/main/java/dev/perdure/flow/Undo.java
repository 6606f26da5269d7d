package dev.perdure.flow;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.Bindings;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The undo of a step that has run. Each undo has a record beside those of nodes, with the id {@code undo:<number>}: running while it may
 * have to be done, completed when it was done or is no longer needed, failed when it was given up.
 *
 * @param number of the record; numbers of records that mean nothing any more are used again
 * @param order in which they were registered
 * @param node the WITH_UNDO
 * @param stamp of the activation that registered it
 * @param saga that has to do it when it does not complete
 * @param names as they were then, as {@link Bindings} writes them; null when there were none
 * @param status RUNNING, COMPLETED or FAILED
 * @param undoing stamp of the activation that does it; null before that has begun
 * @param error why it was given up
 * @param again it was given up before, and the instance was redriven
 */
public record Undo(
        int number,
        int order,
        String node,
        String stamp,
        String saga,
        @Nullable String names,
        NodeStatus status,
        @Nullable String undoing,
        @Nullable String error,
        boolean again) {

    private static final String PREFIX = "undo:";

    /** The id of its record. */
    String id() {
        return PREFIX + number;
    }

    static boolean isId(String id) {
        return id.startsWith(PREFIX);
    }

    boolean isPending() {
        return status == NodeStatus.RUNNING;
    }

    boolean isBegun() {
        return isPending() && undoing != null;
    }

    /** The undo, begun. */
    Undo begun(ActivationId activation) {
        return with(saga, names, NodeStatus.RUNNING, activation.text(), null);
    }

    /** The undo, handed to the saga around the one that has ended. */
    Undo of(String other) {
        return with(other, names, status, undoing, error);
    }

    /** The undo, done or no longer needed. */
    Undo over() {
        return with(saga, null, NodeStatus.COMPLETED, undoing, null);
    }

    Undo givenUp(String why) {
        return with(saga, names, NodeStatus.FAILED, undoing, why);
    }

    private Undo with(
            String ofSaga, @Nullable String now, NodeStatus how, @Nullable String activation, @Nullable String why) {
        return new Undo(number, order, node, stamp, ofSaga, now, how, activation, why, again);
    }

    /** The names as they were. */
    Map<String, Result> results() {
        return Bindings.read(names);
    }

    long bytes() {
        return names == null ? 0 : 2L * names.length();
    }

    /** Its text in the record. */
    String text() {
        StringBuilder json = new StringBuilder("{\"node\":");
        Json.quote(node, json);
        json.append(",\"saga\":");
        Json.quote(saga, json);
        json.append(",\"order\":").append(order);
        if (undoing != null) {
            json.append(",\"undoing\":");
            Json.quote(undoing, json);
        }
        if (again) {
            json.append(",\"again\":true");
        }
        return json.append(",\"names\":").append(names).append('}').toString();
    }

    /** Reads a record; null when it is of no undo. */
    static @Nullable Undo read(String id, NodeRecord row) {
        JsonNode json = !isId(id) || row.bindings() == null || row.stamp() == null ? null : Json.parse(row.bindings());
        if (json == null) {
            return null;
        }
        JsonNode names = json.path("names");
        JsonNode error = row.status() != NodeStatus.FAILED || row.result() == null ? null : Json.parse(row.result());
        return new Undo(
                Integer.parseInt(id.substring(PREFIX.length())),
                json.path("order").asInt(),
                json.path("node").asText(),
                row.stamp(),
                json.path("saga").asText(),
                names.isObject() ? Json.write(names) : null,
                row.status(),
                json.path("undoing").textValue(),
                error == null ? null : error.asText(),
                json.path("again").asBoolean());
    }
}
