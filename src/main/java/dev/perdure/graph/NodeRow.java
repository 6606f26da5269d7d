package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * The definition part of one row of {@code df.nodes}. Rows are hostile input: submitters may insert them by hand.
 *
 * @param id 8 lower-case hex digits, unique within the instance
 * @param nodeType one of the types of the specification, section 1.4
 * @param query SQL text or a JSON configuration, by type
 * @param resultName name under which later nodes refer to this node's result
 * @param leftNode id of the first child
 * @param rightNode id of the second child
 * @param params JSON array of the templates of a statement's parameters; null without
 */
public record NodeRow(
        String id,
        String nodeType,
        @Nullable String query,
        @Nullable String resultName,
        @Nullable String leftNode,
        @Nullable String rightNode,
        @Nullable String params) {

    /** A node without parameters. */
    public NodeRow(
            String id,
            String nodeType,
            @Nullable String query,
            @Nullable String resultName,
            @Nullable String leftNode,
            @Nullable String rightNode) {
        this(id, nodeType, query, resultName, leftNode, rightNode, null);
    }
}
