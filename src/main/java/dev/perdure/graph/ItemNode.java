package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The root of an item's own flow: stands for the map, and has the map's body as its child. No row of {@code df.nodes} is one; only
 * {@link Graph#ofItem} makes it.
 *
 * @param id the map's
 */
public record ItemNode(String id, String body) implements Node {

    @Override
    public @Nullable String resultName() {
        return null;
    }

    @Override
    public String type() {
        return "ITEM";
    }

    @Override
    public List<String> children() {
        return List.of(body);
    }
}
