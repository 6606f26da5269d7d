package dev.perdure.engine.map;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
import dev.perdure.store.Journal.ItemRow;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Items as rows of results, and back: {@code df._maps.columns} names their columns. */
final class MapItems {

    /** Rows whose columns nobody knows. */
    private static final String ROWS = "rows";
    /** Of items that are written down at once. */
    private static final int CHUNK_CHARS = 256 * 1024;

    private static final int CHUNK_ROWS = 1000;

    private MapItems() {}

    /**
     * A part of the items.
     *
     * @param first ordinal of the first of them
     * @param rows JSON of an object with {@code rows}
     */
    record Chunk(long first, String rows) {}

    /**
     * The items that a result means.
     *
     * @param chunks at least one, which may be empty
     */
    record Frozen(@Nullable String columns, List<Chunk> chunks, long total) {}

    /** The rows of a result, or the elements of an array; null when it is neither. */
    static @Nullable Frozen of(Result result) {
        ResultDocument document = ResultDocument.of(result);
        JsonNode all =
                document == null ? null : document.isRowSet() ? document.json().get("rows") : document.json();
        if (document == null || all == null || !all.isArray()) {
            return null;
        }
        if (all.isEmpty() && document.json().path("row_count").asLong() > 0) {
            // Remains of rows that were written down: after their deletion the map has to begin anew.
            return null;
        }
        String columns = !document.isRowSet() ? null : result.columns() == null ? ROWS : result.columns();
        List<Chunk> chunks = new ArrayList<>();
        StringBuilder rows = new StringBuilder();
        long first = 1;
        int count = 0;
        for (JsonNode row : all) {
            rows.append(count == 0 ? "" : ",").append(Json.write(row));
            count++;
            if (rows.length() > CHUNK_CHARS || count == CHUNK_ROWS) {
                chunks.add(new Chunk(first, document(rows)));
                first += count;
                count = 0;
                rows.setLength(0);
            }
        }
        if (count > 0 || chunks.isEmpty()) {
            chunks.add(new Chunk(first, document(rows)));
        }
        return new Frozen(columns, chunks, all.size());
    }

    private static String document(StringBuilder rows) {
        return "{\"rows\":[" + rows + "]}";
    }

    /** The value of the item's name in the body. */
    static Result result(List<ItemRow> rows, @Nullable String columns, int batchSize) {
        if (columns == null) {
            return new Result(batchSize == 1 ? rows.get(0).item() : array(rows), null);
        }
        return new Result(
                "{\"rows\":" + array(rows) + ",\"row_count\":" + rows.size() + "}",
                columns.equals(ROWS) ? null : columns);
    }

    private static String array(List<ItemRow> rows) {
        StringBuilder out = new StringBuilder("[");
        rows.forEach(row -> out.append(out.length() == 1 ? "" : ",").append(row.item()));
        return out.append("]").toString();
    }
}
