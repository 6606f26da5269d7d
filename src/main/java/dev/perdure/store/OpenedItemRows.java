package dev.perdure.store;

import dev.perdure.store.Journal.ItemRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads rows of {@code df._open_items} of either driver: those of a map, and behind them one that names their kind. */
final class OpenedItemRows {

    /** Of the items of one map. */
    static final long PAGE_BYTES = 64 * 1024;

    private final Map<Long, List<ItemRow>> items = new HashMap<>();
    private final Map<Long, OpenItems.Answer> answers = new HashMap<>();

    void add(Columns row) {
        long map = number(row, "map_id");
        List<ItemRow> found = items.computeIfAbsent(map, any -> new ArrayList<>());
        Long ordinal = row.number("ordinal");
        if (ordinal == null) {
            answers.put(map, answer(row, found));
            return;
        }
        found.add(new ItemRow(
                ordinal,
                Objects.requireNonNull(row.text("item")),
                Objects.requireNonNull(row.text("status")),
                (int) number(row, "version"),
                LoadedRows.flow(row.numbers("versions"), row.texts("states"), row.text("marks"))));
    }

    private static OpenItems.Answer answer(Columns row, List<ItemRow> found) {
        String why = row.text("status");
        if (why != null) {
            return OpenItems.NotOpened.of(why);
        }
        Long maxConcurrent = row.number("max_concurrent");
        return new OpenItems.Opened(
                found,
                maxConcurrent == null ? null : maxConcurrent.intValue(),
                orNone(row.number("completed")),
                orNone(row.number("failed")),
                number(row, "opened"));
    }

    private static long number(Columns row, String column) {
        return Objects.requireNonNull(row.number(column), column);
    }

    private static long orNone(@Nullable Long number) {
        return number == null ? 0 : number;
    }

    /** One for each wish, in their order. */
    List<OpenItems.Answer> answers(List<OpenItems> wishes) {
        return wishes.stream()
                .map(wish -> answers.getOrDefault(wish.map(), OpenItems.NotOpened.LOCKED))
                .toList();
    }
}
