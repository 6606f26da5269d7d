package dev.perdure.graph;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The nodes of a graph that was started as one text ({@code df.instances.graph}): the same rows, with the same ids, as SQL sees in
 * {@code df.nodes} ({@code df._definition}).
 *
 * <p>The k-th node, parents before children and the left before the right, then the condition, then further branches, has the
 * root's id plus k * 2654435761, modulo 2^32.
 */
public final class GraphDocument {

    private static final int ODD = (int) 2_654_435_761L;
    private static final JsonMapper JSON = new JsonMapper();

    static {
        // A node of 256 levels, with a configuration's own in it. Longer texts were refused when they were inserted.
        JSON.getFactory()
                .setStreamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(2_000)
                        .maxStringLength(64 * 1024 * 1024)
                        .build());
    }

    private GraphDocument() {}

    /**
     * Reads a graph. Users may write the text by hand, so nothing is taken for granted: what is no node has no row, and a child that
     * is missing is noticed by {@link GraphReader}. One row more than allowed is read at most.
     *
     * @param rootNode id of the root, 8 hex digits
     * @param text the JSON of the root, its children nested in it
     * @return parents before children; empty when the text is no JSON
     */
    public static List<NodeRow> rows(String rootNode, String text) {
        JsonNode root;
        int seed;
        try {
            root = JSON.readTree(text);
            seed = Integer.parseUnsignedInt(rootNode, 16);
        } catch (JsonProcessingException | NumberFormatException e) {
            return List.of();
        }
        return walk(seed, root);
    }

    private static List<NodeRow> walk(int seed, JsonNode root) {
        List<Draft> drafts = new ArrayList<>();
        Deque<Child> stack = new ArrayDeque<>();
        stack.push(new Child(root, null, Slot.NONE));
        while (!stack.isEmpty() && drafts.size() <= GraphReader.MAX_NODES) {
            Child child = stack.pop();
            if (!(child.json() instanceof ObjectNode json)) {
                continue;
            }
            Draft draft = new Draft(HexFormat.of().toHexDigits(seed + drafts.size() * ODD), json);
            drafts.add(draft);
            if (child.parent() != null) {
                child.parent().adopt(child.slot(), draft.id);
            }
            // The leftmost is to be on top.
            if (json.get("extra_nodes") instanceof ArrayNode extras) {
                for (int i = extras.size() - 1; i >= 0; i--) {
                    stack.push(new Child(extras.get(i), draft, Slot.EXTRA));
                }
            }
            push(stack, json.get("condition_node"), draft, Slot.CONDITION);
            push(stack, json.get("right_node"), draft, Slot.RIGHT);
            push(stack, json.get("left_node"), draft, Slot.LEFT);
        }
        return drafts.stream().map(Draft::row).toList();
    }

    private static void push(Deque<Child> stack, @Nullable JsonNode json, Draft parent, Slot slot) {
        if (json != null) {
            stack.push(new Child(json, parent, slot));
        }
    }

    private enum Slot {
        NONE,
        LEFT,
        RIGHT,
        CONDITION,
        EXTRA
    }

    private record Child(JsonNode json, @Nullable Draft parent, Slot slot) {}

    /** A node whose children are not known yet. */
    private static final class Draft {

        private final String id;
        private final ObjectNode json;
        private final List<String> extras = new ArrayList<>();
        private @Nullable String left;
        private @Nullable String right;
        private @Nullable String condition;

        Draft(String id, ObjectNode json) {
            this.id = id;
            this.json = json;
        }

        void adopt(Slot slot, String child) {
            switch (slot) {
                case LEFT -> left = child;
                case RIGHT -> right = child;
                case CONDITION -> condition = child;
                case EXTRA -> extras.add(child);
                case NONE -> throw new IllegalStateException("the root has no parent");
            }
        }

        NodeRow row() {
            String type = text("node_type");
            return new NodeRow(id, type == null ? "" : type, query(), text("result_name"), left, right, text("params"));
        }

        /** Ids of children that have no column stand in the configuration. */
        private @Nullable String query() {
            String query = text("query");
            if (condition == null && extras.isEmpty()) {
                return query;
            }
            ObjectNode config = config(query);
            if (condition != null) {
                config.put("condition_node", condition);
            }
            if (!extras.isEmpty()) {
                ArrayNode ids = config.putArray("extra_nodes");
                extras.forEach(ids::add);
            }
            return config.toString();
        }

        private static ObjectNode config(@Nullable String query) {
            if (query != null) {
                try {
                    if (JSON.readTree(query) instanceof ObjectNode config) {
                        return config;
                    }
                } catch (JsonProcessingException e) {
                    return JsonNodeFactory.instance.objectNode();
                }
            }
            return JsonNodeFactory.instance.objectNode();
        }

        private @Nullable String text(String member) {
            JsonNode value = json.get(member);
            if (value == null || value.isNull()) {
                return null;
            }
            return value.isTextual() ? value.textValue() : value.toString();
        }
    }
}
