package dev.perdure.engine.actor;

import java.time.Instant;

/** Whether the tables say that an instance only waits, and until when. */
public sealed interface Parking {

    /** As before. */
    record Unchanged() implements Parking {}

    /** There is something to do. */
    record Working() implements Parking {}

    /** It waits for a moment, and perhaps for signals. */
    record Until(Instant wakeAt) implements Parking {}

    /** It waits for signals only. */
    record ForSignals() implements Parking {}

    /** The same as before. */
    default Parking unchanged() {
        return new Unchanged();
    }
}
