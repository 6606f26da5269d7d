package dev.perdure.flow;

/**
 * One run of one node: the node and the stamp of the scope that it runs in. A node of a loop has a new activation in
 * each round.
 */
public record Activation(String nodeId, String stamp) {}
