package dev.perdure.database;

import java.time.Duration;

/** Pauses between attempts to reach the database: 0.5 s, doubled each time, up to 10 s. */
public final class Backoff {

    private static final Duration FIRST = Duration.ofMillis(500);
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private Duration next = FIRST;

    /** The pause to make now; the following one is longer. */
    public Duration next() {
        Duration pause = next;
        next = pause.multipliedBy(2).compareTo(LONGEST) < 0 ? pause.multipliedBy(2) : LONGEST;
        return pause;
    }

    /** Makes the pause. */
    public void sleep() throws InterruptedException {
        Thread.sleep(next().toMillis());
    }

    /** An attempt succeeded. */
    public void reset() {
        next = FIRST;
    }
}
