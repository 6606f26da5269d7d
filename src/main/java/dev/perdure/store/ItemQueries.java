package dev.perdure.store;

import dev.perdure.flow.Assignment;
import dev.perdure.store.Journal.FoundMap;
import dev.perdure.store.Journal.FreezeItems;
import dev.perdure.store.Journal.ItemFailure;
import dev.perdure.store.Journal.Items;
import dev.perdure.store.Journal.ItemsAnswer;
import dev.perdure.store.Journal.Written;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The part of an exchange that is about items of maps. */
final class ItemQueries {

    private static final String FIND = "SELECT * FROM df._map($1, $2, $3)";
    private static final String FREEZE = "SELECT df._freeze($1, $2, $3, $4, $5, $6, $7, $8)";
    private static final String OPEN = "SELECT * FROM df._open_items($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    private static final String ASSIGN =
            "SELECT df._assign_items($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    /** Sends a query. */
    @FunctionalInterface
    interface Sender {
        Future<RowSet<Row>> send(String sql, Tuple arguments);
    }

    private final Items items;
    private final List<Future<RowSet<Row>>> found = new ArrayList<>();
    private final List<Future<RowSet<Row>>> frozen = new ArrayList<>();
    private final @Nullable Future<RowSet<Row>> opened;
    private final List<Future<RowSet<Row>>> assigned = new ArrayList<>();

    ItemQueries(long epoch, Items items, Sender sender) {
        this.items = items;
        items.find().forEach(map -> found.add(sender.send(FIND, Tuple.of(map.subject(), map.node(), map.stamp()))));
        for (FreezeItems chunk : items.freeze()) {
            frozen.add(sender.send(
                    FREEZE,
                    Tuple.tuple()
                            .addLong(epoch)
                            .addString(chunk.subject())
                            .addString(chunk.node())
                            .addString(chunk.stamp())
                            .addLong(chunk.first())
                            .addString(chunk.columns())
                            .addString(chunk.rows())
                            .addLong(chunk.total())));
        }
        opened = items.open().isEmpty() ? null : sender.send(OPEN, open(epoch, items.open()));
        items.assign().forEach(page -> assigned.add(sender.send(ASSIGN, assign(epoch, page))));
    }

    private static Tuple assign(long epoch, AssignItems page) {
        List<AssignItems.Item> items = page.items();
        Assignment like = items.get(0).assignment();
        Assignment.Lease lease = Objects.requireNonNull(like.lease(), "a lease");
        return Tuple.tuple()
                .addLong(epoch)
                .addLong(page.map())
                .addArrayOfLong(items.stream().map(AssignItems.Item::ordinal).toArray(Long[]::new))
                .addArrayOfInteger(items.stream().map(AssignItems.Item::version).toArray(Integer[]::new))
                .addArrayOfString(items.stream()
                        .map(item -> item.assignment().activation().stamp())
                        .toArray(String[]::new))
                .addArrayOfString(
                        items.stream().map(item -> item.assignment().payload()).toArray(String[]::new))
                .addString(like.activation().nodeId())
                .addString(like.kind())
                .addLong(lease.millis())
                .addInteger(lease.maxAttempts())
                .addBoolean(like.isUndo())
                .addString(FailedStepDocument.print(page.failure()))
                .addLong(page.turn())
                .addBoolean(page.areNew());
    }

    private static Tuple open(long epoch, List<OpenItems> open) {
        return Tuple.tuple()
                .addLong(epoch)
                .addArrayOfLong(numbers(open, OpenItems::map))
                .addArrayOfLong(numbers(open, OpenItems::after))
                .addArrayOfInteger(open.stream().map(OpenItems::limit).toArray(Integer[]::new))
                .addLong(OpenedItemRows.PAGE_BYTES)
                .addLong(OpenItems.EXCHANGE_BYTES)
                .addLong(OpenItems.EXCHANGE_BYTES)
                .addArrayOfLong(numbers(open, OpenItems::settled))
                .addArrayOfLong(numbers(open, OpenItems::completed))
                .addArrayOfLong(numbers(open, OpenItems::failed));
    }

    private static Long[] numbers(List<OpenItems> open, ToLongFunction<OpenItems> number) {
        return open.stream().map(number::applyAsLong).toArray(Long[]::new);
    }

    ItemsAnswer answer() {
        if (items.isEmpty()) {
            return ItemsAnswer.NONE;
        }
        List<Optional<FoundMap>> maps = new ArrayList<>();
        found.forEach(rows -> maps.add(found(rows.result())));
        List<Written> written = new ArrayList<>();
        frozen.forEach(rows ->
                written.add(JournalRows.written(rows.result().iterator().next().getString(0))));
        return new ItemsAnswer(
                maps,
                written,
                opened == null ? List.of() : opened(opened.result()),
                assigned.stream()
                        .map(rows -> JournalRows.assigned(
                                rows.result().iterator().next().getString(0)))
                        .toList());
    }

    private static Optional<FoundMap> found(RowSet<Row> rows) {
        for (Row row : rows) {
            return Optional.of(new FoundMap(
                    row.getLong("map_id"),
                    row.getInteger("generation"),
                    row.getString("columns"),
                    row.getLong("total"),
                    row.getLong("opened"),
                    row.getLong("settled"),
                    row.getLong("settled_failed"),
                    row.getLong("completed"),
                    row.getLong("failed"),
                    row.getInteger("max_concurrent"),
                    Optional.ofNullable(row.getLong("failed_last"))
                            .map(ordinal -> new ItemFailure(
                                    ordinal,
                                    row.getString("error"),
                                    row.getString("code"),
                                    FailedStepDocument.read(row.getString("failure"))))));
        }
        return Optional.empty();
    }

    private List<OpenItems.Answer> opened(RowSet<Row> found) {
        OpenedItemRows rows = new OpenedItemRows();
        found.forEach(row -> rows.add(Columns.of(row)));
        return rows.answers(items.open());
    }
}
