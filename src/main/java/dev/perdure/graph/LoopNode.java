package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs its body, then its condition, again and again while the condition holds or, without one, until a BREAK.
 */
public record LoopNode(String id, @Nullable String resultName, String body, @Nullable String condition)
        implements Node {

    @Override
    public String type() {
        return "LOOP";
    }

    @Override
    public List<String> children() {
        return condition == null ? List.of(body) : List.of(body, condition);
    }
}
