package dev.perdure.engine.owner;

import dev.perdure.store.Journal;
import dev.perdure.store.OpenItems;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Has items read beside the exchanges that are too large for one, of some maps at a time, with growing pauses while that fails. Used on the
 * loop's thread only.
 */
final class LargeItemReads {

    private static final int MAPS = 20;

    private final Journal journal;
    private final Executor thread;
    private final ItemReads items;
    private final Teller teller;
    private final RetryPause pause;
    private boolean reading;

    /** @param thread of the loop */
    LargeItemReads(Journal journal, Executor thread, LongSupplier nanos, ItemReads items, Teller teller) {
        this.journal = journal;
        this.thread = thread;
        this.items = items;
        this.teller = teller;
        this.pause = new RetryPause(nanos);
    }

    /**
     * Begins to read those that are next, unless others are being read.
     *
     * @param ended told when that is over, with the failure if there was one
     */
    void begin(Consumer<@Nullable Throwable> ended) {
        if (reading || !pause.isOver()) {
            return;
        }
        // After a failure one map at a time: then the others are read, whichever of them it was.
        List<ItemReads.Open> next = items.nextLarge(pause.isRetry() ? 1 : MAPS);
        if (next.isEmpty()) {
            return;
        }
        reading = true;
        read(next)
                .whenComplete((answers, failure) -> thread.execute(() -> {
                    reading = false;
                    if (failure == null) {
                        pause.succeeded();
                        for (int i = 0; i < next.size(); i++) {
                            items.opened(next.get(i), answers.get(i), teller);
                        }
                    } else {
                        items.notRead(next);
                        pause.failed("Instance " + next.get(0).instance() + ", items of it", failure);
                    }
                    ended.accept(failure);
                }));
    }

    private CompletionStage<List<OpenItems.Answer>> read(List<ItemReads.Open> next) {
        return journal.readItems(next.stream().map(ItemReads.Open::items).toList());
    }
}
