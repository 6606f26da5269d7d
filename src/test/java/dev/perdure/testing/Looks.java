package dev.perdure.testing;

import java.time.Duration;
import org.awaitility.pollinterval.IterativePollInterval;
import org.awaitility.pollinterval.PollInterval;

/**
 * How often tests look whether something has happened. A look at the server takes a session's time and two threads': tests that
 * looked every 5 ms for as long as it took kept the processor from what they waited for.
 */
public final class Looks {

    private static final Duration FIRST = Duration.ofMillis(5);
    private static final Duration LONGEST = Duration.ofMillis(50);

    /** After 5 ms, and then after a quarter of the time that has gone by, 50 ms at most. */
    public static final PollInterval OFTEN = IterativePollInterval.iterative(Looks::longer, FIRST);

    private Looks() {}

    private static Duration longer(Duration last) {
        Duration next = last.multipliedBy(5).dividedBy(4);
        return next.compareTo(LONGEST) < 0 ? next : LONGEST;
    }
}
