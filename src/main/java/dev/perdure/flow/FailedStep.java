package dev.perdure.flow;

import org.jspecify.annotations.Nullable;

/**
 * The step of its body at which an item of a map has failed. Steps of items have no row of {@code df.nodes}, so the item keeps what is known.
 *
 * @param node its id
 * @param type as {@code df.nodes.node_type} has it
 * @param path from the root of the workflow
 * @param name of its result; null without
 * @param executedQuery the text after substitution; null for control nodes
 * @param params JSON array of the values that were bound; null without
 * @param detail see {@link NodeRecord#detail()}
 * @param isWhole whether all of it is known here; otherwise it is in the checkpoint with which the step ended
 */
public record FailedStep(
        String node,
        String type,
        String path,
        @Nullable String name,
        @Nullable String executedQuery,
        @Nullable String params,
        @Nullable String detail,
        Remark remark,
        boolean isWhole) {

    /** Its text, as {@code df.instance_info} names a node; of a map in a map the step of the inner one. */
    public String text() {
        return remark.step() != null
                ? remark.step()
                : node + ", " + path + (name == null ? "" : ", '" + name + "'") + " (" + type + ")";
    }
}
