package dev.perdure.faults.world;

/**
 * Where a connection is.
 *
 * @param point of the protocol
 * @param subject what is there
 */
public record Spot(Point point, Subject subject) {}
