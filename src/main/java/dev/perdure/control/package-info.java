/**
 * Actions on many instances, and their starts: schedules. It decides by rows and in pure functions, and writes with the fence of its
 * term; it executes nothing, and evaluates no text of a user.
 */
@NullMarked
package dev.perdure.control;

import org.jspecify.annotations.NullMarked;
