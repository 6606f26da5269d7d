package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * Waits for a signal.
 *
 * @param config the stored JSON configuration, not looked into yet
 */
public record SignalNode(String id, @Nullable String resultName, String config) implements Node {

    @Override
    public String type() {
        return "SIGNAL";
    }
}
