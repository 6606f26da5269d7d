package dev.perdure.graph;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs its body, then its condition, again and again while the condition holds or, without one, until a BREAK.
 *
 * @param every a round begins so long after the one before it at the earliest
 * @param continuesOnFailure whether a round whose body fails is followed by another
 */
public record LoopNode(
        String id,
        @Nullable String resultName,
        String body,
        @Nullable String condition,
        Duration every,
        boolean continuesOnFailure)
        implements Node {

    @Override
    public String type() {
        return "LOOP";
    }

    @Override
    public List<String> children() {
        return condition == null ? List.of(body) : List.of(body, condition);
    }

    @Override
    public String place(String child) {
        return child.equals(body) ? ".left" : ".condition_node";
    }
}
