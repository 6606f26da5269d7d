/**
 * The leader's loop: intake, dispatch, timers, cancellation, backpressure. It drives the interpreter and executes what
 * that decides; it decides nothing about a workflow itself.
 */
@NullMarked
package dev.perdure.engine;

import org.jspecify.annotations.NullMarked;
