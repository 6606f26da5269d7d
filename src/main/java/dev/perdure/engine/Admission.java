package dev.perdure.engine;

import dev.perdure.database.LogText;
import dev.perdure.engine.actor.TimerPort;
import dev.perdure.store.JournalException;
import dev.perdure.store.OwnerQueries.Admitted;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Releases the instances that wait for their time, or for a slot of a queue, by one query after the other. Beside the exchanges of the
 * owner's loop, so that however much waits delays none of them; those that are released are found there like those that have just been
 * started. Thread-safe.
 */
final class Admission {

    private static final Logger LOG = Logger.getLogger(Admission.class);
    /** The pause between two queries while something waits, or while callers send no NOTIFY. */
    private static final long POLL_NANOS = 50_000_000;

    private static final long IDLE_NANOS = 1_000_000_000;
    /** The least rest between two queries while nothing waits. */
    private static final long UNUSED_NANOS = 20_000_000;

    private static final long FAILED_NANOS = 500_000_000;
    private static final int FAILURES_TOLD = 20;
    /** Ended instances that one query may name. Beyond them it looks at all keys for instances that may begin. */
    private static final int MOST_ENDED = 500;

    /** The rest after a query, as a multiple of its duration: the server's time is everybody's. */
    private static final long REST = 3;

    /** The longest rest: a query of more than a tenth of a second waits for the server, and instances that may begin wait for the next one. */
    private static final long LONGEST_REST_NANOS = 300_000_000;

    /** The query that decides, in the tables. */
    @FunctionalInterface
    interface Asks {

        /**
         * Lets instances begin.
         *
         * @param isFirst of the term
         * @param after as the last answer has it
         * @param ended instances that have ended since
         */
        CompletionStage<Admitted> admit(boolean isFirst, List<UUID> after, List<String> ended);
    }

    private final Asks asks;
    private final TimerPort timers;
    private final LongSupplier nanos;
    private final BooleanSupplier isTold;
    private final Runnable onReleased;

    private boolean stopped;
    private boolean asking;
    private boolean again;
    private boolean isFirst = true;
    private boolean waits;
    private int failures;
    private final List<String> ended = new ArrayList<>();
    private List<UUID> after = List.of();
    private long askedAt;
    private long restsUntil;
    private TimerPort.@Nullable Cancellation next;

    /**
     * An admission that begins to ask with {@link #wake}.
     *
     * @param isTold whether {@link #wake} is called when somebody starts something
     * @param onReleased told that there are instances to be read
     */
    Admission(Asks asks, TimerPort timers, LongSupplier nanos, BooleanSupplier isTold, Runnable onReleased) {
        this.asks = asks;
        this.timers = timers;
        this.nanos = nanos;
        this.isTold = isTold;
        this.onReleased = onReleased;
        this.restsUntil = nanos.getAsLong();
    }

    /** Asks again soon: something may have come. */
    synchronized void wake() {
        again = true;
        if (!asking && !stopped) {
            sleep(0);
        }
    }

    /** Notes that an instance has ended, or a part of it that may have held a slot. */
    synchronized void slotMayBeFree(String instance) {
        if (waits) {
            if (ended.size() < MOST_ENDED) {
                ended.add(instance);
            }
            wake();
        }
    }

    /** Ends the queries. */
    synchronized void stop() {
        stopped = true;
        cancelNext();
    }

    private synchronized void ask() {
        if (asking || stopped) {
            return;
        }
        cancelNext();
        asking = true;
        again = false;
        askedAt = nanos.getAsLong();
        List<String> since = List.copyOf(ended);
        ended.clear();
        asks.admit(isFirst, after, since).whenComplete(this::answered);
    }

    private void answered(@Nullable Admitted answer, @Nullable Throwable failure) {
        if (answer != null && answer.released() > 0) {
            onReleased.run();
        }
        settle(answer, failure);
    }

    private synchronized void settle(@Nullable Admitted answer, @Nullable Throwable failure) {
        asking = false;
        if (stopped) {
            return;
        }
        if (answer == null) {
            if (failure != null && !JournalException.isFenced(failure)) {
                failures++;
                // Now and then a lost connection, or a server that starts, which others tell of.
                LOG.logf(
                        failures % FAILURES_TOLD == 0 ? Logger.Level.WARN : Logger.Level.DEBUG,
                        "Queues could not be looked at, %d times in a row; what waits in them does not begin. Trying again: %s",
                        failures,
                        LogText.of(String.valueOf(failure.getMessage())));
            }
            sleep(FAILED_NANOS);
            return;
        }
        failures = 0;
        isFirst = false;
        waits = answer.waits();
        after = answer.after();
        long now = nanos.getAsLong();
        boolean isUsed = waits || answer.released() > 0 || answer.millis() != null;
        restsUntil = now + Math.max(Math.min(LONGEST_REST_NANOS, REST * (now - askedAt)), isUsed ? 0 : UNUSED_NANOS);
        long pause = waits || !isTold.getAsBoolean() ? POLL_NANOS : IDLE_NANOS;
        if (again || !after.isEmpty()) {
            pause = 0;
        } else if (answer.millis() != null) {
            pause = Math.min(pause, Duration.ofMillis(answer.millis()).toNanos());
        }
        sleep(pause);
    }

    private void sleep(long pause) {
        cancelNext();
        next = timers.after(Duration.ofNanos(Math.max(pause, restsUntil - nanos.getAsLong())), this::ask);
    }

    private void cancelNext() {
        if (next != null) {
            next.cancel();
            next = null;
        }
    }
}
