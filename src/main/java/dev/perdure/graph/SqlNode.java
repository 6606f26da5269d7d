package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One SQL statement.
 *
 * @param sql the text before substitution
 * @param parameters templates of the values that are bound to {@code $1} and so on
 */
public record SqlNode(String id, @Nullable String resultName, String sql, List<String> parameters) implements Node {

    @Override
    public String type() {
        return "SQL";
    }
}
