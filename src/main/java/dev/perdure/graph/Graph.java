package dev.perdure.graph;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A workflow: a tree of nodes, at most {@value GraphReader#MAX_DEPTH} deep and {@value GraphReader#MAX_NODES} wide.
 * Only {@link GraphReader} makes one, so whoever holds a graph may rely on that.
 */
public final class Graph {

    private final String rootId;
    private final Map<String, Node> nodes;
    private final Map<String, String> parents;

    Graph(String rootId, LinkedHashMap<String, Node> nodes, Map<String, String> parents) {
        this.rootId = rootId;
        this.nodes = Collections.unmodifiableMap(nodes);
        this.parents = parents;
    }

    public String rootId() {
        return rootId;
    }

    public Node root() {
        return node(rootId);
    }

    /** All nodes that the root reaches, parents before children. */
    public Collection<Node> nodes() {
        return nodes.values();
    }

    public int size() {
        return nodes.size();
    }

    public boolean contains(String nodeId) {
        return nodes.containsKey(nodeId);
    }

    /**
     * The node of that id.
     *
     * @throws IllegalArgumentException when the graph has no such node
     */
    public Node node(String nodeId) {
        Node node = nodes.get(nodeId);
        if (node == null) {
            throw new IllegalArgumentException("no node " + nodeId + " in the graph of root " + rootId);
        }
        return node;
    }

    /** The parent of a node; null for the root. */
    public @Nullable Node parent(String nodeId) {
        String parent = parents.get(nodeId);
        return parent == null ? null : nodes.get(parent);
    }

    /** Ids of the children, in the order of specification 5.2: JOIN's branches, IF's condition first, LOOP's last. */
    public List<String> children(String nodeId) {
        return node(nodeId).children();
    }
}
