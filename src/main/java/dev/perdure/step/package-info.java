/** Execution of a step: an SQL statement in a session of its submitter, and its result. */
@NullMarked
package dev.perdure.step;

import org.jspecify.annotations.NullMarked;
