package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs one of two branches by whether a named result has rows ({@code df.if_rows}).
 *
 * @param testedName the result's name; not validated, as the builder does not
 */
public record IfRowsNode(String id, @Nullable String resultName, String testedName, String then, String otherwise)
        implements Node {

    @Override
    public String type() {
        return "IF";
    }

    @Override
    public List<String> children() {
        return List.of(then, otherwise);
    }
}
