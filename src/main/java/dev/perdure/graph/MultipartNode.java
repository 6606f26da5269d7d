package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * A multipart HTTP request.
 *
 * @param config the stored JSON configuration, not looked into yet
 */
public record MultipartNode(String id, @Nullable String resultName, String config) implements Node {

    @Override
    public String type() {
        return "HTTP_MULTIPART";
    }
}
