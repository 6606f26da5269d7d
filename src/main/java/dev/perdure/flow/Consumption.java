package dev.perdure.flow;

/**
 * A signal that a checkpoint takes away. The signal must still be there: otherwise the checkpoint is stale.
 *
 * @param signalId {@code df.signals.id}
 * @param nodeId the node that waited for it
 */
public record Consumption(long signalId, String nodeId) {}
