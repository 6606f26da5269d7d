package dev.perdure.graph;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads a {@link Graph} from rows of {@code df.nodes}. Submitters may insert rows by hand, so nothing is taken for
 * granted, and the walk uses no recursion that a hostile graph could overflow.
 */
public final class GraphReader {

    /** Deepest nesting, root = 0 (specification 1.6). */
    public static final int MAX_DEPTH = 256;

    /** Most nodes that a root may reach (specification 1.6). */
    public static final int MAX_NODES = 10_000;

    private final String instanceId;
    private final String rootId;
    private final Map<String, NodeRow> rows = new HashMap<>();
    private final LinkedHashMap<String, Node> nodes = new LinkedHashMap<>();
    private final Map<String, String> parents = new HashMap<>();
    private final Deque<Reached> queue = new ArrayDeque<>();

    private GraphReader(String instanceId, String rootId) {
        this.instanceId = instanceId;
        this.rootId = rootId;
    }

    /**
     * Reads the workflow below a root. Rows that the root does not reach are not looked at.
     *
     * @throws InvalidGraphException when the rows form no tree of well-formed nodes within the limits
     */
    public static Graph read(String instanceId, String rootId, Collection<NodeRow> rows) {
        GraphReader reader = new GraphReader(instanceId, rootId);
        reader.index(rows);
        reader.walk();
        Graph graph = new Graph(rootId, reader.nodes, reader.parents);
        for (Node node : graph.nodes()) {
            String problem = SagaPlaces.problem(graph, node);
            if (problem != null) {
                throw reader.invalid(node.id(), problem);
            }
        }
        return graph;
    }

    private void index(Collection<NodeRow> all) {
        for (NodeRow row : all) {
            if (rows.put(row.id(), row) != null) {
                throw invalid(row.id(), "the id occurs twice");
            }
        }
    }

    private void walk() {
        queue.add(new Reached(rootId, 0));
        while (!queue.isEmpty()) {
            Reached reached = queue.remove();
            String id = reached.id();
            NodeRow row = rows.get(id);
            if (row == null) {
                throw invalid(
                        id, parents.containsKey(id) ? "is missing, but is a child of " + parents.get(id) : "missing");
            }
            if (reached.depth() > MAX_DEPTH) {
                throw invalid(id, "Graph exceeds maximum nesting depth of " + MAX_DEPTH + ".");
            }
            Node node = NodeParser.parse(instanceId, row);
            nodes.put(id, node);
            for (String child : node.children()) {
                reach(child, id, reached.depth() + 1);
            }
        }
    }

    private void reach(String child, String parent, int depth) {
        if (child.equals(rootId)) {
            throw invalid(parent, "its child " + child + " is the root, the graph has a cycle");
        }
        String other = parents.putIfAbsent(child, parent);
        if (other != null) {
            throw invalid(child, "is reached twice, from " + other + " and from " + parent);
        }
        if (parents.size() >= MAX_NODES) {
            throw invalid(child, "Workflow exceeds maximum node count of " + MAX_NODES + ".");
        }
        queue.add(new Reached(child, depth));
    }

    private InvalidGraphException invalid(String nodeId, String problem) {
        return new InvalidGraphException(instanceId, nodeId, problem);
    }

    private record Reached(String id, int depth) {}
}
