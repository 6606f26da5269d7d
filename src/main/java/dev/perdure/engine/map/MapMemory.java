package dev.perdure.engine.map;

import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.store.Journal.ItemRow;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The memory of a map: of the rows that it has read, and of the instances that work on them. Guarded by its map. */
final class MapMemory {

    /** The most that a page of rows takes, of which the last one is as large as an item can be. */
    private static final long PAGE = 2 * (1024 * 1024 + 64 * 1024);

    private final MemoryQuota quota;
    private final LastResort lastResort;
    private final long role;
    private final MemoryQuota.Holding rows;
    private boolean isLastResort;

    MapMemory(MemoryQuota quota, LastResort lastResort, long role) {
        this.quota = quota;
        this.lastResort = lastResort;
        this.role = role;
        this.rows = quota.hold(role);
    }

    /**
     * Takes memory for a page that is to be read; {@link #holds} is told its size afterwards. While a statement of the role waits for
     * memory, a map takes none: each would hold what the statement waits for, and wait for the others.
     *
     * @param isAllElse whether nothing goes on in the map before it is read
     * @return false when it cannot be had now
     */
    boolean takePage(boolean isAllElse) {
        if (quota.isClaimed(role)) {
            return false;
        }
        if (rows.take(PAGE)) {
            return true;
        }
        if (isAllElse && mayForce()) {
            rows.force(PAGE);
            return true;
        }
        return false;
    }

    /** So many characters of rows are in memory. */
    void holds(long chars) {
        rows.set(2 * chars);
    }

    /** Whether so many characters, worked on as one item, can never have their memory. */
    boolean neverFits(long chars) {
        return ItemLoader.bytes(1, chars) > quota.most();
    }

    /** The most that one role can have. */
    long most() {
        return quota.most();
    }

    /**
     * The memory in which an item is worked on; none while a statement of the role waits for memory.
     *
     * @param isAllElse whether nothing else of the map is worked on
     * @return null when it cannot be had now
     */
    MemoryQuota.@Nullable Holding take(List<ItemRow> item, boolean isAllElse) {
        if (quota.isClaimed(role)) {
            return null;
        }
        MemoryQuota.Holding memory = quota.hold(role);
        long needed = ItemLoader.bytes(item);
        if (memory.take(needed)) {
            giveLastResort();
            return memory;
        }
        if (isAllElse && mayForce()) {
            memory.force(needed);
            return memory;
        }
        return null;
    }

    private boolean mayForce() {
        isLastResort = isLastResort || lastResort.take(role);
        return isLastResort;
    }

    private void giveLastResort() {
        if (isLastResort) {
            isLastResort = false;
            lastResort.give(role);
        }
    }

    /** Gives back the memory of rows. */
    void close() {
        rows.close();
        giveLastResort();
    }
}
