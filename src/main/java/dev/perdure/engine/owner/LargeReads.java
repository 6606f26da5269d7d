package dev.perdure.engine.owner;

import dev.perdure.engine.actor.Actors;
import dev.perdure.store.Journal;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Reads large instances beside the exchanges, with growing pauses while that fails. Used on the loop's thread only. */
final class LargeReads {

    private final Journal journal;
    private final Executor thread;
    private final Intake intake;
    private final Actors actors;
    private final Teller teller;
    private final RetryPause pause;

    /** @param thread of the loop */
    LargeReads(Journal journal, Executor thread, LongSupplier nanos, Intake intake, Actors actors, Teller teller) {
        this.journal = journal;
        this.thread = thread;
        this.intake = intake;
        this.actors = actors;
        this.teller = teller;
        this.pause = new RetryPause(nanos);
    }

    /**
     * Begins to read the next instance, unless one is being read.
     *
     * @param ended told when that is over, with the failure if there was one
     */
    void begin(Consumer<@Nullable Throwable> ended) {
        LargeLoads.Reading next = pause.isOver() ? intake.large().next(actors) : null;
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
            pause.succeeded();
        } else {
            pause.failed("Instance " + read.id(), failure);
        }
    }
}
