package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * Leaves the nearest enclosing loop.
 *
 * @param value text before substitution; null for the result {@code null}
 */
public record BreakNode(String id, @Nullable String resultName, @Nullable String value) implements Node {

    @Override
    public String type() {
        return "BREAK";
    }
}
