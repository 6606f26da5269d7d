package dev.perdure.session.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Answer of the server to a statement that succeeded.
 *
 * @param tag such as {@code COMMIT}; null for a statement that returns rows
 * @param columns null for a statement that returns no rows at all
 * @param rows none for a statement without columns
 */
public record Reply(@Nullable String tag, @Nullable List<Column> columns, PackedRows rows) {

    /**
     * A column of a result.
     *
     * @param label as the statement names it
     * @param type oid
     */
    public record Column(String label, int type) {}
}
