package dev.perdure.flow.rule;

import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;

/** The attempt of the enclosing RETRY in which a node runs. */
public final class Attempts {

    private Attempts() {}

    /**
     * The number of the attempt, from 1; 1 without a RETRY.
     *
     * @param stamp of the node's activation
     */
    public static long of(Graph graph, String nodeId, String stamp) {
        String[] tokens = stamp.split("::", -1);
        for (Node node = graph.node(nodeId); node != null; node = graph.parent(node.id())) {
            if (Rules.of(node).countsAttempts()) {
                for (int i = tokens.length - 2; i >= 0; i -= 2) {
                    if (tokens[i].equals(node.id()) || i == 0 && graph.parent(node.id()) == null) {
                        return RetryRule.attempt(Long.parseLong(tokens[i + 1]));
                    }
                }
            }
        }
        return 1;
    }
}
