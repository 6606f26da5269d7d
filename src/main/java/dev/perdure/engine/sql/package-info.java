/**
 * Execution of the statements of steps. A thread borrows a session of the role and runs one instance in it until that rests: statement,
 * checkpoint, commit, the next statement.
 */
@NullMarked
package dev.perdure.engine.sql;

import org.jspecify.annotations.NullMarked;
