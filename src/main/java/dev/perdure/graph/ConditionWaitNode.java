package dev.perdure.graph;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Waits until a query is true.
 *
 * @param query looked at again and again
 * @param every so long after each look that was not true
 */
public record ConditionWaitNode(String id, @Nullable String resultName, String query, Duration every) implements Node {

    @Override
    public String type() {
        return "WAIT_CONDITION";
    }
}
