package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * A durable timer.
 *
 * @param seconds decimal text; may be hand-written and bad, which fails the node when it is reached
 */
public record SleepNode(String id, @Nullable String resultName, String seconds) implements Node {

    @Override
    public String type() {
        return "SLEEP";
    }
}
