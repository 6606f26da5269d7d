package dev.perdure.kubernetes.reconcile;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The result of a reconciliation.
 *
 * @param after when to look again even if nothing happens; null for never
 * @param problem why what was to be done could not be done: it is tried again after a growing pause
 */
record Outcome(@Nullable Duration after, @Nullable String problem) {

    /** Nothing is to be done until something changes. */
    static final Outcome DONE = new Outcome(null, null);

    /** To be tried again, later each time. */
    static Outcome failed(@Nullable String problem) {
        return new Outcome(null, String.valueOf(problem));
    }

    static Outcome again(@Nullable Duration after) {
        return after == null ? DONE : new Outcome(after, null);
    }
}
