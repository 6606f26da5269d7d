package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * An HTTP request.
 *
 * @param config the stored JSON configuration, not looked into yet
 */
public record HttpNode(String id, @Nullable String resultName, String config) implements Node {

    @Override
    public String type() {
        return "HTTP";
    }
}
