package dev.perdure.flow;

/**
 * A SIGNAL node that waits.
 *
 * @param name of the signal
 */
public record SignalWait(Activation activation, String name) {}
