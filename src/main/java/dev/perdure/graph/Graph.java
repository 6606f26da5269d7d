package dev.perdure.graph;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A workflow: a tree of nodes, at most {@value GraphReader#MAX_DEPTH} deep and {@value GraphReader#MAX_NODES} wide.
 * Only {@link GraphReader} makes one, so a holder of a graph may rely on that.
 */
public final class Graph {

    private final String rootId;
    private final Map<String, Node> nodes;
    private final Map<String, String> parents;
    private final boolean hasMaps;
    private final String origin;

    Graph(String rootId, LinkedHashMap<String, Node> nodes, Map<String, String> parents) {
        this(rootId, nodes, parents, "root");
    }

    private Graph(String rootId, LinkedHashMap<String, Node> nodes, Map<String, String> parents, String origin) {
        this.origin = origin;
        this.rootId = rootId;
        this.nodes = Collections.unmodifiableMap(nodes);
        this.parents = parents;
        this.hasMaps = nodes.values().stream().anyMatch(node -> node instanceof MapNode);
    }

    public String rootId() {
        return rootId;
    }

    public Node root() {
        return node(rootId);
    }

    /** The node that is the workflow: the root, or the node under the deadline of the instance. */
    public String mainId() {
        return root() instanceof TimeoutNode limit && limit.deadline() != null ? limit.body() : rootId;
    }

    /** All nodes that the root reaches, parents before children. */
    public Collection<Node> nodes() {
        return nodes.values();
    }

    public int size() {
        return nodes.size();
    }

    /** Whether there is a map in it. */
    public boolean hasMaps() {
        return hasMaps;
    }

    /** Whether it is the body of a map, see {@link #ofItem}. */
    public boolean isOfItem() {
        return root() instanceof ItemNode;
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

    /** The saga that has to undo a node, the nearest one around it; null when there is none. */
    public @Nullable Node saga(String nodeId) {
        Node below = node(nodeId);
        for (Node above = parent(nodeId); above != null; above = parent(above.id())) {
            if (above instanceof UndoNode undo && below.id().equals(undo.undo())) {
                return null;
            }
            if (above instanceof SagaNode saga) {
                return saga;
            }
            below = above;
        }
        return null;
    }

    /** The undo of a node; null when it has none. */
    public @Nullable String undo(String nodeId) {
        return node(nodeId) instanceof UndoNode step ? step.undo() : null;
    }

    /** Whether the undo of a node has to be registered before the node begins. */
    public boolean isRegisteredBefore(String nodeId) {
        for (Node above = parent(nodeId); above != null; above = parent(above.id())) {
            if (above instanceof UndoNode undo && undo.isBefore()) {
                return true;
            }
        }
        return false;
    }

    /** Whether a node is, or stands in, an undo. */
    public boolean isInUndo(String nodeId) {
        Node below = node(nodeId);
        for (Node above = parent(nodeId); above != null; above = parent(above.id())) {
            if (above instanceof UndoNode undo && below.id().equals(undo.undo())) {
                return true;
            }
            below = above;
        }
        return false;
    }

    /** The flow of an item of a map: its body. */
    public Graph ofItem(String mapId) {
        if (!(node(mapId) instanceof MapNode map)) {
            throw new IllegalArgumentException("node " + mapId + " is no map");
        }
        LinkedHashMap<String, Node> below = new LinkedHashMap<>();
        Map<String, String> parentsBelow = new HashMap<>();
        below.put(map.id(), new ItemNode(map.id(), map.body()));
        Deque<String> open = new ArrayDeque<>(List.of(map.body()));
        while (!open.isEmpty()) {
            String id = open.remove();
            below.put(id, node(id));
            parentsBelow.put(id, Objects.requireNonNull(parents.get(id)));
            open.addAll(children(id));
        }
        return new Graph(map.id(), below, parentsBelow, path(mapId));
    }

    /** The way to a node from the root of the whole workflow, in the words of {@code df.explain}: {@code root.left.right}. */
    public String path(String nodeId) {
        Deque<String> steps = new ArrayDeque<>();
        String below = nodeId;
        for (Node above = parent(below); above != null; above = parent(below)) {
            steps.push(above.place(below));
            below = above.id();
        }
        return origin + String.join("", steps);
    }

    /** The name that the result of a node would have; a name behind a chain is meant for its last step. */
    public @Nullable String name(String nodeId) {
        Node named = node(nodeId);
        while (named.resultName() == null
                && parent(named.id()) instanceof ThenNode chain
                && chain.right().equals(named.id())) {
            named = chain;
        }
        return named.resultName();
    }

    /** Ids of the children, in the order of specification 5.2: JOIN's branches, IF's condition first, LOOP's last. */
    public List<String> children(String nodeId) {
        return node(nodeId).children();
    }
}
