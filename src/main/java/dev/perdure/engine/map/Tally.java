package dev.perdure.engine.map;

import java.util.TreeSet;

/** The progress of a map: the items by outcome, and the ordinal up to which all have ended. Guarded by its map. */
final class Tally {

    private final long total;
    /** First ordinals of known items that have not ended. */
    private final TreeSet<Long> open = new TreeSet<>();

    private long read;
    private long completed;
    private long failed;

    /** @param settled all up to this one have ended */
    Tally(long total, long settled, long completed, long failed) {
        this.total = total;
        this.read = settled;
        this.completed = completed;
        this.failed = failed;
    }

    long total() {
        return total;
    }

    long completed() {
        return completed;
    }

    long failed() {
        return failed;
    }

    /** The ordinal behind which nothing has been read. */
    long read() {
        return read;
    }

    /** Whether all that has not ended is known. */
    boolean isAllRead() {
        return read >= total;
    }

    /** An item was read that has not ended. */
    void opens(long first) {
        open.add(first);
    }

    /** All that has not ended up to here is known. */
    void readUpTo(long ordinal) {
        read = Math.max(read, ordinal);
    }

    void ended(long first, long rows, boolean well) {
        open.remove(first);
        completed += well ? rows : 0;
        failed += well ? 0 : rows;
    }

    /** They had ended when items behind them were read. */
    void passed(long completedBefore, long failedBefore) {
        completed += completedBefore;
        failed += failedBefore;
    }

    /** Whether it is known, and has not ended. */
    boolean isOpen(long first) {
        return open.contains(first);
    }

    /** The number of items that have not ended. */
    long left() {
        return total - completed - failed;
    }

    /** Up to here all have ended. */
    long settled() {
        return open.isEmpty() ? read : Math.min(read, open.first() - 1);
    }
}
