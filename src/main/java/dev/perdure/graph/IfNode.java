package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs the condition node, then one of two branches.
 */
public record IfNode(String id, @Nullable String resultName, String condition, String then, String otherwise)
        implements Node {

    @Override
    public String type() {
        return "IF";
    }

    @Override
    public List<String> children() {
        return List.of(condition, then, otherwise);
    }

    @Override
    public String place(String child) {
        if (child.equals(condition)) {
            return ".condition_node";
        }
        return child.equals(then) ? ".left" : ".right";
    }
}
