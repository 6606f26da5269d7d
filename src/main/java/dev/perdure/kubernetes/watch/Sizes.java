package dev.perdure.kubernetes.watch;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;

/** About how long the text of a document is. */
final class Sizes {

    private static final int SIGNS = 4;

    private Sizes() {}

    /** The size, or more than the limit for all that is larger. Without recursion. */
    static int of(JsonNode document, int limit) {
        int size = 0;
        Deque<JsonNode> open = new ArrayDeque<>();
        open.push(document);
        while (!open.isEmpty() && size <= limit) {
            JsonNode node = open.pop();
            size += SIGNS + (node.isTextual() ? node.textValue().length() : 0);
            if (node.isObject()) {
                for (Map.Entry<String, JsonNode> field : node.properties()) {
                    size += SIGNS + field.getKey().length();
                    open.push(field.getValue());
                }
            } else {
                node.forEach(open::push);
            }
        }
        return size;
    }
}
