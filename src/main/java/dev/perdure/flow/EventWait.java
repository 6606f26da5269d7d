package dev.perdure.flow;

import org.jspecify.annotations.Nullable;

/**
 * A node that begins to wait for an event of another instance, or does not wait any more.
 *
 * @param publisher the instance that publishes it; null: the wait is over
 */
public record EventWait(String nodeId, @Nullable String publisher, String name) {}
