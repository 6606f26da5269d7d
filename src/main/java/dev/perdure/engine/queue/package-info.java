/**
 * Fair shares of slots and bytes, by role. One rule for all of them: a role never has more than half of what the
 * others leave.
 */
@NullMarked
package dev.perdure.engine.queue;

import org.jspecify.annotations.NullMarked;
