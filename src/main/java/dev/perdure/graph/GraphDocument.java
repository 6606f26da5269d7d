package dev.perdure.graph;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
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
        // A node of 256 levels, with a configuration's own in it.
        JSON.getFactory()
                .setStreamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(2_000)
                        .maxStringLength(2 * DraftReader.LONGEST)
                        .build());
    }

    private GraphDocument() {}

    /**
     * Reads a graph. Users may write the text by hand, so nothing is taken for granted: what is no node has no row, and a child that
     * is missing is noticed by {@link GraphReader}.
     *
     * @param rootNode id of the root, 8 hex digits
     * @param text the JSON of the root, its children nested in it
     * @return parents before children; empty when the text is no JSON
     * @throws IllegalArgumentException when there are too many nodes, or a text of one is too long
     */
    public static List<NodeRow> rows(String rootNode, String text) {
        try (JsonParser in = JSON.getFactory().createParser(text)) {
            int seed = Integer.parseUnsignedInt(rootNode, 16);
            in.nextToken();
            Draft root = new DraftReader(in).node();
            return root == null ? List.of() : numbered(seed, root);
        } catch (StreamConstraintsException e) {
            throw new IllegalArgumentException(e.getOriginalMessage(), e);
        } catch (IOException | NumberFormatException e) {
            return List.of();
        }
    }

    private static List<NodeRow> numbered(int seed, Draft root) {
        List<Draft> drafts = new ArrayList<>();
        Deque<Draft> stack = new ArrayDeque<>();
        stack.push(root);
        while (!stack.isEmpty()) {
            Draft draft = stack.pop();
            draft.id = HexFormat.of().toHexDigits(seed + drafts.size() * ODD);
            drafts.add(draft);
            // The leftmost is to be on top.
            for (int i = draft.extras.size() - 1; i >= 0; i--) {
                stack.push(draft.extras.get(i));
            }
            for (Draft child : Arrays.asList(draft.condition, draft.right, draft.left)) {
                if (child != null) {
                    stack.push(child);
                }
            }
        }
        return drafts.stream().map(Draft::row).toList();
    }

    /**
     * Reads token by token: a user's text has up to 64 MiB, and as a tree of values it would be forty times as large. What belongs to no node
     * is passed over.
     */
    private static final class DraftReader {

        /** Characters of one text of a node; those that {@code df.start} takes have fewer bytes. */
        private static final int LONGEST = 1024 * 1024;

        private final JsonParser in;
        private int nodes;

        DraftReader(JsonParser in) {
            this.in = in;
        }

        /** The node that the current token begins; null when that begins none, and is passed over. */
        @Nullable Draft node() throws IOException {
            if (in.currentToken() != JsonToken.START_OBJECT) {
                in.skipChildren();
                return null;
            }
            if (++nodes > GraphReader.MAX_NODES) {
                throw new IllegalArgumentException(
                        "Workflow exceeds maximum node count of " + GraphReader.MAX_NODES + ".");
            }
            Draft draft = new Draft();
            for (String member = in.nextFieldName(); member != null; member = in.nextFieldName()) {
                in.nextToken();
                switch (member) {
                    case "node_type" -> draft.type = text();
                    case "query" -> draft.query = text();
                    case "result_name" -> draft.name = text();
                    case "params" -> draft.params = text();
                    case "left_node" -> draft.left = node();
                    case "right_node" -> draft.right = node();
                    case "condition_node" -> draft.condition = node();
                    case "extra_nodes" -> draft.extras = extras();
                    default -> in.skipChildren();
                }
            }
            return draft;
        }

        private List<Draft> extras() throws IOException {
            if (in.currentToken() != JsonToken.START_ARRAY) {
                in.skipChildren();
                return List.of();
            }
            List<Draft> extras = new ArrayList<>();
            while (in.nextToken() != JsonToken.END_ARRAY) {
                Draft extra = node();
                if (extra != null) {
                    extras.add(extra);
                }
            }
            return extras;
        }

        /** The text that a value is, or its JSON; null for null. */
        private @Nullable String text() throws IOException {
            if (in.currentToken() == JsonToken.VALUE_NULL) {
                return null;
            }
            if (in.currentToken() == JsonToken.VALUE_STRING) {
                if (in.getTextLength() > LONGEST) {
                    throw tooLong();
                }
                return in.getText();
            }
            StringWriter json = new StringWriter() {
                @Override
                public void write(char[] chars, int offset, int length) {
                    if (getBuffer().length() + length > LONGEST) {
                        throw tooLong();
                    }
                    super.write(chars, offset, length);
                }
            };
            try (JsonGenerator out = JSON.getFactory().createGenerator(json)) {
                out.copyCurrentStructure(in);
            }
            return json.toString();
        }

        private static IllegalArgumentException tooLong() {
            return new IllegalArgumentException("a text of a node has more than " + LONGEST + " characters");
        }
    }

    /** A node and what is below it. */
    private static final class Draft {

        private String id = "";
        private @Nullable String type;
        private @Nullable String query;
        private @Nullable String name;
        private @Nullable String params;
        private @Nullable Draft left;
        private @Nullable Draft right;
        private @Nullable Draft condition;
        private List<Draft> extras = List.of();

        NodeRow row() {
            return new NodeRow(id, type == null ? "" : type, query(), name, idOf(left), idOf(right), params);
        }

        private static @Nullable String idOf(@Nullable Draft child) {
            return child == null ? null : child.id;
        }

        /** Ids of children that have no column stand in the configuration. */
        private @Nullable String query() {
            if (condition == null && extras.isEmpty()) {
                return query;
            }
            ObjectNode config = config(query);
            if (condition != null) {
                config.put("condition_node", condition.id);
            }
            if (!extras.isEmpty()) {
                ArrayNode ids = config.putArray("extra_nodes");
                extras.forEach(extra -> ids.add(extra.id));
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
    }
}
