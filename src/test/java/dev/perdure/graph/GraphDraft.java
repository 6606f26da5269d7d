package dev.perdure.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Builds rows of {@code df.nodes} in a few words. Every method returns the id of the node that it made. */
public final class GraphDraft {

    private final List<NodeRow> rows = new ArrayList<>();

    public String sql(String text) {
        return add("SQL", text, null, null);
    }

    public String sql(String text, String... parameters) {
        String params = Arrays.stream(parameters)
                .map(template -> "\"" + template.replace("\"", "\\\"") + "\"")
                .collect(Collectors.joining(",", "[", "]"));
        String id = add("SQL", text, null, null);
        rows.set(rows.size() - 1, new NodeRow(id, "SQL", text, null, null, null, params));
        return id;
    }

    public String sleep(String seconds) {
        return add("SLEEP", seconds, null, null);
    }

    public String leaf(String type, String query) {
        return add(type, query, null, null);
    }

    public String leave(@Nullable String value) {
        return add(
                "BREAK",
                value == null ? "{\"break_value\":null}" : "{\"break_value\":\"" + value.replace("\"", "\\\"") + "\"}",
                null,
                null);
    }

    public String then(String left, String right) {
        return add("THEN", null, left, right);
    }

    public String race(String left, String right) {
        return add("RACE", null, left, right);
    }

    public String join(String... branches) {
        String extras = Arrays.stream(branches)
                .skip(2)
                .map(id -> "\"" + id + "\"")
                .collect(Collectors.joining(",", "{\"extra_nodes\":[", "]}"));
        return add("JOIN", branches.length == 2 ? null : extras, branches[0], branches[1]);
    }

    public String when(String condition, String then, String otherwise) {
        return add("IF", "{\"condition_node\":\"" + condition + "\"}", then, otherwise);
    }

    public String whenRows(String name, String then, String otherwise) {
        return add("IF", "{\"condition_type\":\"result_has_rows\",\"result_name\":\"" + name + "\"}", then, otherwise);
    }

    public String loop(String body) {
        return add("LOOP", null, body, null);
    }

    public String loop(String body, String condition) {
        return add("LOOP", "{\"condition_node\":\"" + condition + "\"}", body, null);
    }

    /** Goes on after a round that has failed. */
    public String lasting(String body, @Nullable String condition) {
        String config = "{" + (condition == null ? "" : "\"condition_node\":\"" + condition + "\",")
                + "\"continue_on_failure\":true}";
        return add("LOOP", config, body, null);
    }

    /** A round begins so many milliseconds after the one before it at the earliest. */
    public String paced(String body, @Nullable String condition, long everyMillis) {
        String config = "{" + (condition == null ? "" : "\"condition_node\":\"" + condition + "\",") + "\"every_ms\":"
                + everyMillis + "}";
        return add("LOOP", config, body, null);
    }

    /** At most so many attempts, delays of about a second, a condition on which to retry or none. */
    public String retry(String body, @Nullable Integer attempts, @Nullable String on) {
        return add(
                "RETRY",
                "{\"max_attempts\":" + attempts
                        + ",\"initial_delay_ms\":1000,\"backoff\":1,\"max_delay_ms\":60000,\"retry_on\":"
                        + (on == null ? "null" : "[\"" + on + "\"]") + "}",
                body,
                null);
    }

    /** @param codes that it catches, as the members of a JSON array; null: every failure */
    public String guarded(String body, String handler, @Nullable String codes) {
        return add("CATCH", "{\"codes\":" + (codes == null ? "null" : "[" + codes + "]") + "}", body, handler);
    }

    /** Each row of the items, ten at once; the first failure is the map's. */
    public String map(String items, String body) {
        return add(
                "MAP",
                "{\"items\":null,\"item\":\"item\",\"max_concurrent\":10,\"batch_size\":1,\"on_failure\":\"fail\",\"tolerate\":null}",
                body,
                items);
    }

    /**
     * Each row of the items.
     *
     * @param goesOn whether items that fail do the others no harm
     */
    public String map(String items, String body, int maxConcurrent, boolean goesOn) {
        return add(
                "MAP",
                "{\"items\":null,\"item\":\"item\",\"max_concurrent\":" + maxConcurrent
                        + ",\"batch_size\":1,\"on_failure\":\"" + (goesOn ? "continue" : "fail")
                        + "\",\"tolerate\":null}",
                body,
                items);
    }

    /** So many milliseconds at most, and then something else, or a failure. */
    public String limited(String body, long withinMillis, @Nullable String otherwise) {
        return add("TIMEOUT", "{\"within_ms\":" + withinMillis + "}", body, otherwise);
    }

    /** @param key template; null for none */
    public String section(String body, String queue, @Nullable String key) {
        return add(
                "WITH_QUEUE",
                "{\"queue\":\"" + queue + "\"" + (key == null ? "" : ",\"key\":\"" + key + "\"") + "}",
                body,
                null);
    }

    public String saga(String body) {
        return add("SAGA", null, body, null);
    }

    /** A step and its undo. */
    public String withUndo(String step, String undo, String register) {
        return add("WITH_UNDO", "{\"register\":\"" + register + "\"}", step, undo);
    }

    /** Names the result of a node. */
    public String as(String id, String name) {
        rows.replaceAll(row -> row.id().equals(id)
                ? new NodeRow(id, row.nodeType(), row.query(), name, row.leftNode(), row.rightNode(), row.params())
                : row);
        return id;
    }

    public String add(String type, @Nullable String query, @Nullable String left, @Nullable String right) {
        String id = String.format("%08x", rows.size() + 1);
        rows.add(new NodeRow(id, type, query, null, left, right));
        return id;
    }

    public List<NodeRow> rows() {
        return rows;
    }

    public Graph graph(String rootId) {
        return GraphReader.read("a1b2c3d4", rootId, rows);
    }
}
