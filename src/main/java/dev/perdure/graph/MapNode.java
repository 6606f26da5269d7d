package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs its body once for each of its items ({@code df.map}).
 *
 * @param body what is done for an item; it is no part of the instance's own flow, see {@link Graph#ofItem}
 * @param items the node whose rows are the items; null when they are an earlier result
 * @param named the earlier result; null when a node brings them
 * @param plan how it works on them
 */
public record MapNode(
        String id,
        @Nullable String resultName,
        String body,
        @Nullable String items,
        @Nullable String named,
        ItemPlan plan)
        implements Node {

    @Override
    public String type() {
        return "MAP";
    }

    @Override
    public List<String> children() {
        return items == null ? List.of(body) : List.of(items, body);
    }

    @Override
    public String place(String child) {
        return child.equals(body) ? ".left" : ".right";
    }
}
