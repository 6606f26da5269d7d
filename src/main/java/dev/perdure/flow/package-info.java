/**
 * The interpreter: a pure function from the state of an instance and an event to a {@link
 * dev.perdure.flow.Decision}. Stamps, result names, substitution and truthiness live here. No I/O, no clock, no
 * randomness: time enters as part of events.
 */
@NullMarked
package dev.perdure.flow;

import org.jspecify.annotations.NullMarked;
