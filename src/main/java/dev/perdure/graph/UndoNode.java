package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A step, and its undo in the saga around it ({@code df.with_undo}).
 *
 * @param isBefore whether the undo is registered before the step begins, and not by the commit with which it succeeds
 */
public record UndoNode(String id, @Nullable String resultName, String step, String undo, boolean isBefore)
        implements Node {

    @Override
    public String type() {
        return "WITH_UNDO";
    }

    @Override
    public List<String> children() {
        return List.of(step, undo);
    }
}
