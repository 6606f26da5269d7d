package dev.perdure.session.wire;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.Field;
import org.postgresql.core.Query;
import org.postgresql.core.ResultCursor;
import org.postgresql.core.ResultHandlerBase;
import org.postgresql.core.Tuple;

/** Takes the driver's view of answers: all but the rows, which it does not see. */
final class Collector extends ResultHandlerBase {

    private final Capture capture;
    private final List<Reply> replies = new ArrayList<>();

    Collector(Capture capture) {
        this.capture = capture;
    }

    /** The replies, up to the first statement that failed or whose rows were refused. */
    Replies replies(@Nullable SQLException failure) {
        for (int i = 0; i <= replies.size(); i++) {
            PackedRows.Refusal refusal = capture.rows(i).refusal();
            if (refusal != null) {
                return new Replies(List.copyOf(replies.subList(0, i)), failure, refusal);
            }
        }
        return new Replies(List.copyOf(replies), failure, null);
    }

    /** The first error: errors behind it (the end of the connection) follow from it. */
    @Nullable SQLException first() {
        return getException();
    }

    @Override
    public void handleResultRows(Query query, Field[] fields, List<Tuple> none, @Nullable ResultCursor cursor) {
        List<Reply.Column> columns = new ArrayList<>(fields.length);
        for (Field field : fields) {
            columns.add(new Reply.Column(field.getColumnLabel(), field.getOID()));
        }
        replies.add(new Reply(null, columns, capture.rows(replies.size())));
    }

    @Override
    public void handleCommandStatus(String status, long updateCount, long insertOid) {
        replies.add(new Reply(status, null, capture.rows(replies.size())));
    }
}
