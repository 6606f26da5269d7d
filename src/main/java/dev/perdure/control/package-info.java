/**
 * Starts of instances by the worker: schedules. The room decides by rows and in pure functions, and writes with the fence of its term. It
 * executes nothing, and evaluates no text of a user.
 */
@NullMarked
package dev.perdure.control;

import org.jspecify.annotations.NullMarked;
