package dev.perdure.store;

import java.time.Instant;

/** The state of an instance in the tables while it has not ended: whether it only waits, and until when. */
public sealed interface Park {

    /** As before. */
    record Unchanged() implements Park {}

    /** There is something to do. */
    record Awake() implements Park {}

    /** It only waits for a moment, and perhaps for signals. */
    record Until(Instant wakeAt) implements Park {}

    /** It only waits for signals. */
    record ForSignals() implements Park {}
}
