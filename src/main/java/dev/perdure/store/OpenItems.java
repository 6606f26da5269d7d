package dev.perdure.store;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads items of a map that have not ended, and notes how far it is.
 *
 * @param map {@code df._maps.id}
 * @param after the ordinal behind which they are
 * @param limit so many; 0 to note only; negative: exactly so many, whatever their status
 * @param settled all up to this one have ended
 * @param completed in all, as {@code failed}
 */
public record OpenItems(long map, long after, int limit, long settled, long completed, long failed) {

    /** An exchange carries no item of more bytes, and no more than so many of all maps; one item at least (ADR 102). */
    public static final long EXCHANGE_BYTES = 256 * 1024;

    /** The outcome. */
    public sealed interface Answer permits Opened, NotOpened {}

    /**
     * The items read.
     *
     * @param maxConcurrent when it was changed
     * @param completed items that programs decide and that were passed by, as of the moment of the rows; so is failed
     * @param opened no item behind this one was begun before
     */
    public record Opened(
            List<Journal.ItemRow> rows, @Nullable Integer maxConcurrent, long completed, long failed, long opened)
            implements Answer {}

    /** Why nothing was read. */
    public enum NotOpened implements Answer {
        /** The map has ended, or its row is locked at this moment. */
        LOCKED,
        /** The next item is too large for an exchange: {@link Journal#readItems}. */
        LARGE,
        /** What was read of other maps is enough for one answer: ask again. */
        LATER;

        static NotOpened of(String status) {
            return valueOf(status.toUpperCase(Locale.ROOT));
        }
    }
}
