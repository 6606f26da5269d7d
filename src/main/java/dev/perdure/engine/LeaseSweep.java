package dev.perdure.engine;

import dev.perdure.database.LogText;
import dev.perdure.store.OwnerQueries.Swept;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Gives back activities whose leases have ended: each second while there are activities, now and then while there are none. While programs
 * claim, it also moves on the places from which they claim, more often. One run at a time.
 */
final class LeaseSweep implements Runnable {

    /** Time between two runs. */
    static final Duration EVERY = Duration.ofMillis(200);

    private static final Logger LOG = Logger.getLogger(LeaseSweep.class);
    /** Runs for each look: while places move, while there are activities, and while there are none. */
    private static final int MOVING = 1;

    private static final int PRESENT = 5;
    private static final int ABSENT = 20;
    /** Runs for each look at everything. */
    private static final int WHOLE = 50;
    /** Most looks of one run: a program can leave a million activities unclaimed. */
    private static final int MOST = 20;

    private final Function<Boolean, Swept> sweeps;
    private final ReentrantLock running = new ReentrantLock();
    private int untilNext;
    private int untilWhole;

    /** @param sweeps gets true for a look at everything, false for a look at the latest changes only */
    LeaseSweep(Function<Boolean, Swept> sweeps) {
        this.sweeps = sweeps;
    }

    @Override
    public void run() {
        // One that takes long is not waited for.
        if (!running.tryLock()) {
            return;
        }
        try {
            untilWhole--;
            if (--untilNext <= 0) {
                sweep();
            }
        } finally {
            running.unlock();
        }
    }

    private void sweep() {
        untilNext = PRESENT;
        boolean whole = untilWhole <= 0;
        try {
            Swept swept = sweeps.apply(whole);
            for (int i = 1; swept.more() && i < MOST; i++) {
                swept = sweeps.apply(whole);
            }
            if (whole) {
                untilWhole = WHOLE;
            }
            if (!swept.present()) {
                untilNext = ABSENT;
                untilWhole = 0;
            } else if (swept.moved()) {
                untilNext = MOVING;
            }
        } catch (CompletionException e) {
            // A lost connection, or a term that is over, of which others tell.
            LOG.debugf("Leases of activities were not looked at: %s", LogText.of(String.valueOf(e.getMessage())));
        }
    }
}
