package dev.perdure.engine.owner;

import dev.perdure.database.LogText;
import dev.perdure.engine.actor.Actors;
import dev.perdure.store.Journal;
import dev.perdure.store.JournalException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Reads large instances beside the exchanges, with growing pauses while that fails. Used on the loop's thread only. */
final class LargeReads {

    private static final Logger LOG = Logger.getLogger(LargeReads.class);

    private static final long FIRST_PAUSE_NANOS = 20_000_000;
    private static final long LONGEST_PAUSE_NANOS = 2_000_000_000;

    private final Journal journal;
    private final Executor thread;
    private final LongSupplier nanos;
    private final Intake intake;
    private final Actors actors;
    private final Teller teller;
    private long failures;
    private long notBefore;

    /** @param thread of the loop */
    LargeReads(Journal journal, Executor thread, LongSupplier nanos, Intake intake, Actors actors, Teller teller) {
        this.journal = journal;
        this.thread = thread;
        this.nanos = nanos;
        this.intake = intake;
        this.actors = actors;
        this.teller = teller;
        this.notBefore = nanos.getAsLong();
    }

    /** Pauses after failures in succession. */
    static long pauseAfter(long failed) {
        return Math.min(LONGEST_PAUSE_NANOS, FIRST_PAUSE_NANOS << Math.min(20, failed));
    }

    /**
     * Begins to read the next instance, unless one is being read.
     *
     * @param ended told when that is over, with the failure if there was one
     */
    void begin(Consumer<@Nullable Throwable> ended) {
        LargeLoads.Reading next =
                nanos.getAsLong() - notBefore < 0 ? null : intake.large().next(actors);
        if (next != null) {
            journal.read(next.id(), next.isTakenOver())
                    .thenAccept(found -> intake.large().begin(next, found, actors))
                    .whenComplete((ignored, failure) -> thread.execute(() -> {
                        teller.tell(next.id(), () -> ended(next, failure));
                        ended.accept(failure);
                    }));
        }
    }

    private void ended(LargeLoads.Reading read, @Nullable Throwable failure) {
        intake.largeEnded(read, failure == null, actors);
        if (failure == null) {
            failures = 0;
            return;
        }
        notBefore = nanos.getAsLong() + pauseAfter(failures);
        Throwable cause = JournalException.cause(failure);
        if (!(cause instanceof JournalException)) {
            LOG.errorf(cause, "Instance %s: reading it failed in an unknown way, trying again", read.id());
        } else if (failures == 0) {
            String why = LogText.of(String.valueOf(cause.getMessage()));
            LOG.warnf("Instance %s cannot be read now, trying again: %s", read.id(), why);
        }
        failures++;
    }
}
