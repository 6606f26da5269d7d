package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Left, then right; its result is the right one's.
 */
public record ThenNode(String id, @Nullable String resultName, String left, String right) implements Node {

    @Override
    public String type() {
        return "THEN";
    }

    @Override
    public List<String> children() {
        return List.of(left, right);
    }
}
