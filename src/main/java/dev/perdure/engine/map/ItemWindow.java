package dev.perdure.engine.map;

import dev.perdure.store.Journal.ItemRow;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows of a map that were read and are not worked on yet, in order; so many of them are one item. Guarded by its map. */
final class ItemWindow {

    private static final int FEW = 200;
    private static final long MUCH = 64 * 1024;

    private final Deque<ItemRow> rows = new ArrayDeque<>();
    private final long total;
    private final int batchSize;
    private long chars;

    ItemWindow(long total, int batchSize) {
        this.total = total;
        this.batchSize = batchSize;
    }

    /** The ordinal of the first row of the item that has this one. */
    long firstOf(long ordinal) {
        return ordinal - (ordinal - 1) % batchSize;
    }

    /** The number of rows of an item. */
    int sizeOf(long first) {
        return (int) Math.min(batchSize, total - first + 1);
    }

    /** Takes a row that was read, which the tally learns of. */
    void add(ItemRow row, Tally tally) {
        rows.add(row);
        chars += row.item().length();
        if (firstOf(row.ordinal()) == row.ordinal()) {
            tally.opens(row.ordinal());
        }
        tally.readUpTo(row.ordinal());
    }

    /** Characters of rows. */
    static long chars(List<ItemRow> rows) {
        return rows.stream().mapToLong(row -> row.item().length()).sum();
    }

    /** The characters of its rows. */
    long chars() {
        return chars;
    }

    /** The first row of the next item; null when there is none. */
    @Nullable ItemRow peek() {
        return rows.peek();
    }

    /** Takes the rows of the next item; none unless all of them are there. */
    List<ItemRow> next() {
        if (!hasNext()) {
            return List.of();
        }
        int size = sizeOf(rows.element().ordinal());
        List<ItemRow> item = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            ItemRow row = rows.remove();
            chars -= row.item().length();
            item.add(row);
        }
        return item;
    }

    /** Whether all rows of the next item are there. */
    boolean hasNext() {
        ItemRow first = rows.peek();
        return first != null && rows.size() >= sizeOf(first.ordinal());
    }

    /** They are to be the next. */
    void giveBack(List<ItemRow> item) {
        for (int i = item.size() - 1; i >= 0; i--) {
            rows.addFirst(item.get(i));
            chars += item.get(i).item().length();
        }
    }

    boolean isEmpty() {
        return rows.isEmpty();
    }

    /** Whether more should be read before it is empty. */
    boolean isLow() {
        return rows.size() < FEW + batchSize && (chars < MUCH || !hasNext());
    }

    void clear() {
        rows.clear();
        chars = 0;
    }
}
