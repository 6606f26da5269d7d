package dev.perdure.store;

import dev.perdure.database.Failure;
import dev.perdure.store.Journal.Begun;
import dev.perdure.store.Journal.InstanceRef;
import dev.perdure.store.Journal.ItemsEnded;
import dev.perdure.store.Journal.Signal;
import dev.perdure.store.Journal.Suspect;
import dev.perdure.store.Journal.Written;
import io.vertx.sqlclient.Row;
import java.util.Arrays;
import java.util.List;

/** The rows that the functions of the journal return, as values. */
final class JournalRows {

    private JournalRows() {}

    static Written written(String answer) {
        return switch (answer) {
            case "ok" -> new Written.Ok();
            case "stale" -> new Written.Stale();
            case "locked" -> new Written.Locked();
            default -> {
                // rejected:<SQLSTATE>:<message>
                String[] parts = answer.split(":", 3);
                yield new Written.Rejected(new Failure(Failure.Kind.STEP, parts[1], parts[2]));
            }
        };
    }

    static Begun begun(Row row) {
        return new Begun(
                row.getString("instance_id"),
                row.getString("node_id"),
                row.getString("started"),
                row.getString("role_name"),
                row.getBoolean("may_http"),
                row.getBoolean("may_multipart"));
    }

    static Suspect suspect(Row row) {
        return new Suspect(row.getString("instance_id"), row.getInteger("tries"), row.getBoolean("is_set_aside"));
    }

    static InstanceRef ref(Row row) {
        return new InstanceRef(row.getString("instance_id"), row.getLong("role_oid"), bytes(row));
    }

    /** Items that programs have ended, see {@code df._item_news}. */
    static ItemsEnded itemsEnded(String detail) {
        String[] parts = detail.split(":", -1);
        return new ItemsEnded(Long.parseLong(parts[0]), ordinals(parts[1]), ordinals(parts[2]));
    }

    private static List<Long> ordinals(String list) {
        return list.isEmpty()
                ? List.of()
                : Arrays.stream(list.split(",")).map(Long::valueOf).toList();
    }

    /** The outcome of an assignment: {@code ok:<turn>}, or as {@link #written}. */
    static AssignItems.Answer assigned(String answer) {
        return answer.startsWith("ok:")
                ? new AssignItems.Answer(new Written.Ok(), Long.parseLong(answer.substring(3)))
                : new AssignItems.Answer(written(answer), 0);
    }

    static long bytes(Row row) {
        Long bytes = row.getLong("bytes");
        return bytes == null ? 0 : bytes;
    }

    static Signal signal(Row row) {
        return new Signal(
                row.getString("instance_id"), row.getString("name"), row.getLong("id"), row.getString("data"));
    }
}
