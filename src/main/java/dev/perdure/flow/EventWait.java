package dev.perdure.flow;

import org.jspecify.annotations.Nullable;

/**
 * A wait of a node for an event of another instance, which begins or ends.
 *
 * @param publisher the instance that publishes it; null: the wait is over
 */
public record EventWait(String nodeId, @Nullable String publisher, String name) {}
