package dev.perdure.engine.actor;

import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Transition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The version of an instance, and the rows of its checkpoints that still count. A row goes when later ones have replaced all its entries,
 * so that an instance has at most one row a node, however often it loops.
 */
public final class Ledger {

    private final Map<String, Integer> versionOfNode = new HashMap<>();
    private final Map<Integer, Integer> nodesOfVersion = new HashMap<>();
    private int version;

    /**
     * The rows as they were loaded.
     *
     * @param version the highest
     * @param versionOfNode the version that holds the state of a node
     * @param empty versions of rows that hold the state of none
     */
    public Ledger(int version, Map<String, Integer> versionOfNode, List<Integer> empty) {
        this.version = version;
        this.versionOfNode.putAll(versionOfNode);
        versionOfNode.values().forEach(of -> nodesOfVersion.merge(of, 1, Integer::sum));
        empty.forEach(of -> nodesOfVersion.put(of, 0));
    }

    /** The version that memory knows. */
    public int version() {
        return version;
    }

    /** The version that the next decision takes. */
    public int next() {
        return version + 1;
    }

    /** Versions whose rows do not count any more once these checkpoints are written. */
    public List<Integer> supersededBy(List<Checkpoint> checkpoints) {
        Map<Integer, Integer> left = new HashMap<>();
        for (String node : nodes(checkpoints)) {
            Integer of = versionOfNode.get(node);
            if (of != null) {
                left.merge(of, nodesOfVersion.getOrDefault(of, 0) - 1, (a, b) -> a - 1);
            }
        }
        List<Integer> superseded = new ArrayList<>();
        left.forEach((of, count) -> {
            if (count <= 0) {
                superseded.add(of);
            }
        });
        nodesOfVersion.forEach((of, count) -> {
            if (count == 0) {
                superseded.add(of);
            }
        });
        return superseded;
    }

    /** Notes that the next version was committed. */
    public void committed(List<Checkpoint> checkpoints, List<Integer> superseded) {
        version++;
        Set<String> nodes = nodes(checkpoints);
        nodesOfVersion.put(version, nodes.size());
        for (String node : nodes) {
            Integer before = versionOfNode.put(node, version);
            if (before != null) {
                nodesOfVersion.computeIfPresent(before, (of, count) -> count - 1);
            }
        }
        superseded.forEach(nodesOfVersion::remove);
    }

    private static Set<String> nodes(List<Checkpoint> checkpoints) {
        Set<String> nodes = new HashSet<>();
        for (Checkpoint checkpoint : checkpoints) {
            for (Transition transition : checkpoint.transitions()) {
                nodes.add(transition.nodeId());
            }
        }
        return nodes;
    }
}
