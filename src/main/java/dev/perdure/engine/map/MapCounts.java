package dev.perdure.engine.map;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The numbers of maps in a term and of their items that have not ended. Thread-safe. */
public final class MapCounts {

    /** A counter of the items that end, of all terms. Must not block. */
    @FunctionalInterface
    public interface Ends {
        void ended(long items, boolean well);
    }

    private final Ends ends;
    private final AtomicInteger maps = new AtomicInteger();
    private final AtomicLong items = new AtomicLong();

    public MapCounts(Ends ends) {
        this.ends = ends;
    }

    /** Maps that are worked on. */
    public int maps() {
        return maps.get();
    }

    /** Items of those maps that have not ended. */
    public long items() {
        return items.get();
    }

    void began(long open) {
        maps.incrementAndGet();
        items.addAndGet(open);
    }

    /** Some of them had ended already. */
    void knownToHaveEnded(long rows) {
        items.addAndGet(-rows);
    }

    void ended(long rows, boolean well) {
        items.addAndGet(-rows);
        ends.ended(rows, well);
    }

    /** A map is not worked on any more. */
    void over(long open) {
        maps.decrementAndGet();
        items.addAndGet(-open);
    }
}
