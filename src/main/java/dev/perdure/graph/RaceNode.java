package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Two branches at once; the first one to end in any way decides.
 */
public record RaceNode(String id, @Nullable String resultName, String left, String right) implements Node {

    @Override
    public String type() {
        return "RACE";
    }

    @Override
    public List<String> children() {
        return List.of(left, right);
    }
}
