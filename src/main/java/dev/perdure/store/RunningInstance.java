package dev.perdure.store;

import java.time.Instant;

/**
 * An instance that an earlier term has left running.
 *
 * @param sleeps whether one of its timers is still to come: most such instances have nothing to do before
 */
public record RunningInstance(Candidate candidate, Instant createdAt, boolean sleeps) {

    /** Comes before all that there are. */
    public static final RunningInstance FIRST =
            new RunningInstance(new Candidate("", 0), Instant.parse("9999-12-31T00:00:00Z"), false);

    /** Comes after all that there are. */
    public static final RunningInstance LAST = new RunningInstance(new Candidate("", 0), Instant.EPOCH, false);
}
