package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs its body, and the handler when that fails ({@code df.catch}).
 *
 * @param codes failures that it catches, see {@link FailureConditions}; null: every failure
 */
public record CatchNode(
        String id, @Nullable String resultName, String body, String handler, @Nullable List<String> codes)
        implements Node {

    @Override
    public String type() {
        return "CATCH";
    }

    @Override
    public List<String> children() {
        return List.of(body, handler);
    }
}
