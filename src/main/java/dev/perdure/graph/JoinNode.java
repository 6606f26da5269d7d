package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Branches that run at once; it waits for all of them.
 *
 * @param branches ids in branch order, two or more
 */
public record JoinNode(String id, @Nullable String resultName, List<String> branches) implements Node {

    public JoinNode {
        branches = List.copyOf(branches);
    }

    @Override
    public String type() {
        return "JOIN";
    }

    @Override
    public List<String> children() {
        return branches;
    }

    @Override
    public String place(String child) {
        int branch = branches.indexOf(child);
        return branch < 2 ? Node.super.place(child) : ".extra_nodes[" + (branch - 2) + "]";
    }
}
