package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * One SQL statement.
 *
 * @param sql the text before substitution
 */
public record SqlNode(String id, @Nullable String resultName, String sql) implements Node {

    @Override
    public String type() {
        return "SQL";
    }
}
