package dev.perdure.engine.owner;

import dev.perdure.database.LogText;
import dev.perdure.store.Journal;
import dev.perdure.store.JournalException;
import dev.perdure.store.OpenItems;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Has items read beside the exchanges that are too large for one, of some maps at a time, with growing pauses while that fails. Used on the
 * loop's thread only.
 */
final class LargeItemReads {

    private static final Logger LOG = Logger.getLogger(LargeItemReads.class);
    private static final int MAPS = 20;

    private final Journal journal;
    private final Executor thread;
    private final LongSupplier nanos;
    private final ItemReads items;
    private final Teller teller;
    private boolean reading;
    private long failures;
    private long notBefore;

    /** @param thread of the loop */
    LargeItemReads(Journal journal, Executor thread, LongSupplier nanos, ItemReads items, Teller teller) {
        this.journal = journal;
        this.thread = thread;
        this.nanos = nanos;
        this.items = items;
        this.teller = teller;
        this.notBefore = nanos.getAsLong();
    }

    /**
     * Begins to read those that are next, unless others are being read.
     *
     * @param ended told when that is over, with the failure if there was one
     */
    void begin(Consumer<@Nullable Throwable> ended) {
        if (reading || nanos.getAsLong() - notBefore < 0) {
            return;
        }
        // After a failure one map at a time: then the others are read, whichever of them it was.
        List<ItemReads.Open> next = items.nextLarge(failures == 0 ? MAPS : 1);
        if (next.isEmpty()) {
            return;
        }
        reading = true;
        read(next)
                .whenComplete((answers, failure) -> thread.execute(() -> {
                    reading = false;
                    if (failure == null) {
                        failures = 0;
                        for (int i = 0; i < next.size(); i++) {
                            items.opened(next.get(i), answers.get(i), teller);
                        }
                    } else {
                        failed(next, failure);
                    }
                    ended.accept(failure);
                }));
    }

    private CompletionStage<List<OpenItems.Answer>> read(List<ItemReads.Open> next) {
        return journal.readItems(next.stream().map(ItemReads.Open::items).toList());
    }

    private void failed(List<ItemReads.Open> asked, Throwable failure) {
        items.notRead(asked);
        notBefore = nanos.getAsLong() + LargeReads.pauseAfter(failures);
        Throwable cause = JournalException.cause(failure);
        String instance = asked.get(0).instance();
        if (!(cause instanceof JournalException)) {
            LOG.errorf(cause, "Instance %s: reading items of it failed in an unknown way, trying again", instance);
        } else if (failures == 0) {
            String why = LogText.of(String.valueOf(cause.getMessage()));
            LOG.warnf("Items of instance %s cannot be read now, trying again: %s", instance, why);
        }
        failures++;
    }
}
