/**
 * The interpreter: a pure function from the state of an instance and an event to a {@link dev.perdure.flow.Decision}. Activations, frames
 * and result names live here. The behaviour of each type of node is a {@link dev.perdure.flow.Rule} in {@code flow.rule}, which only the
 * {@link dev.perdure.flow.Interpreter} knows. No I/O, no clock, no randomness: time enters as part of events.
 */
@NullMarked
package dev.perdure.flow;

import org.jspecify.annotations.NullMarked;
