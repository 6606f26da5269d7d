package dev.perdure.flow.result;

import org.jspecify.annotations.Nullable;

/**
 * The result of a node.
 *
 * @param json compact JSON text as the worker built it. For SQL: {@code {"rows":[{…}],"row_count":n}}
 * @param columns for SQL results a JSON array of {@code ["name","type"]} pairs in the order of the query, stored in
 *     {@code df.nodes.result_columns}, since {@code jsonb} keeps neither order nor types; null for others
 */
public record Result(String json, @Nullable String columns) {

    /** The memory that it takes, about: as text, never less than its characters. */
    public long bytes() {
        return 64 + 2L * json.length() + (columns == null ? 0 : 2L * columns.length());
    }
}
