package dev.perdure.store;

import java.time.Instant;

/** The wait of an unfinished instance, as the tables have it: whether it only waits, and until when. */
public sealed interface Park {

    /** The same as before. */
    record Unchanged() implements Park {}

    /** No wait: there is something to do. */
    record Awake() implements Park {}

    /** A wait for a moment, and perhaps for signals. */
    record Until(Instant wakeAt) implements Park {}

    /** A wait for signals only. */
    record ForSignals() implements Park {}
}
