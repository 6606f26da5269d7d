package dev.perdure.engine.owner;

import dev.perdure.database.LogText;
import dev.perdure.store.JournalException;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/** The pause before the tables are asked again: it grows with each failure in succession, from 20 ms to 2 s. Used on the loop's thread only. */
final class RetryPause {

    private static final Logger LOG = Logger.getLogger(RetryPause.class);
    private static final long FIRST_NANOS = 20_000_000;
    private static final long LONGEST_NANOS = 2_000_000_000;

    private final LongSupplier nanos;
    private long failures;
    private long notBefore;

    RetryPause(LongSupplier nanos) {
        this.nanos = nanos;
        this.notBefore = nanos.getAsLong();
    }

    /** Whether it may be tried now. */
    boolean isOver() {
        return nanos.getAsLong() - notBefore >= 0;
    }

    /** Whether the last try has failed. */
    boolean isRetry() {
        return failures > 0;
    }

    void succeeded() {
        failures = 0;
    }

    /**
     * Begins the next pause.
     *
     * @return how long it is, in nanoseconds
     */
    long failed() {
        long pause = Math.min(LONGEST_NANOS, FIRST_NANOS << Math.min(20, failures));
        failures++;
        notBefore = nanos.getAsLong() + pause;
        return pause;
    }

    /**
     * Begins the next pause, and logs the first failure in succession, and each that nobody expects.
     *
     * @param what failed, such as {@code Instance 5c1f09ab}
     */
    void failed(String what, Throwable failure) {
        Throwable cause = JournalException.cause(failure);
        if (!(cause instanceof JournalException)) {
            LOG.errorf(cause, "%s: reading failed in an unknown way, trying again", what);
        } else if (!isRetry()) {
            LOG.warnf("%s cannot be read now, trying again: %s", what, LogText.of(String.valueOf(cause.getMessage())));
        }
        failed();
    }
}
