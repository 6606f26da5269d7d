package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.wire.Grant;
import dev.perdure.session.wire.PackedRows;
import dev.perdure.session.wire.Reply;
import java.nio.charset.CharacterCodingException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes {@code {"rows":[{…}],"row_count":n}} of the rows of a statement (specification 4.6). It happens before the commit: a value that
 * cannot be converted rolls the statement back.
 */
final class RowsReader {

    private static final Result NO_ROWS = new Result("{\"rows\":[],\"row_count\":0}", null);

    /** Characters up to which a document is no matter, whatever it holds. */
    private static final int LIGHT = 64 * 1024;

    private final long maxSize;

    /**
     * @param maxSize bytes of the document
     */
    RowsReader(long maxSize) {
        this.maxSize = maxSize;
    }

    /**
     * A column as it goes into the document.
     *
     * @param key with the colon
     * @param position in the rows
     */
    private record Member(String key, int position, ColumnType type) {}

    /**
     * Reads a result.
     *
     * @param connection for types that are not PostgreSQL's own; its transaction is open
     */
    Result read(Reply reply, Connection connection, Grant grant) throws SQLException, StepFailedException {
        List<Reply.Column> columns = reply.columns();
        if (columns == null) {
            return NO_ROWS;
        }
        // One key for a name that occurs twice: the last column's value, at the first one's place.
        Map<String, Integer> columnOf = new LinkedHashMap<>();
        for (int i = 0; i < columns.size(); i++) {
            columnOf.put(columns.get(i).label(), i);
        }
        Member[] members = new Member[columnOf.size()];
        StringBuilder types = new StringBuilder("[");
        int n = 0;
        for (Map.Entry<String, Integer> entry : columnOf.entrySet()) {
            ColumnType type = ColumnTypes.of(columns.get(entry.getValue()).type(), connection, entry.getKey());
            members[n] = new Member(Json.quoted(entry.getKey()) + ":", entry.getValue(), type);
            types.append(n == 0 ? "[" : ",[")
                    .append(Json.quoted(entry.getKey()))
                    .append(',');
            types.append(Json.quoted(type.name())).append(']');
            n++;
        }
        types.append(']');
        JsonOut out = new JsonOut(new ResultMemory(grant, maxSize));
        out.append("{\"rows\":[");
        try {
            rows(reply.rows(), members, out);
        } catch (CharacterCodingException e) {
            throw new StepFailedException(
                    new Failure(Failure.Kind.STEP, "0A000", "a step cannot change client_encoding"), e);
        }
        out.append("],\"row_count\":" + reply.rows().count() + '}');
        String document = out.document();
        if (document.length() > LIGHT) {
            // Whoever reads it takes all of it apart, and that is as many nodes as it has, however few their characters
            // are.
            long nodes = Json.weight(document) - document.length();
            out.memory().take(nodes);
            out.memory().giveBack(nodes);
        }
        return new Result(document, types.toString());
    }

    private static void rows(PackedRows rows, Member[] members, JsonOut out)
            throws CharacterCodingException, StepFailedException {
        boolean first = true;
        while (rows.next()) {
            out.append(first ? "{" : ",{");
            first = false;
            for (int i = 0; i < members.length; i++) {
                if (i > 0) {
                    out.append(",");
                }
                out.append(members[i].key());
                String text = rows.text(members[i].position());
                if (text == null) {
                    out.append("null");
                } else {
                    if (text.length() != rows.length(members[i].position())) {
                        out.memory().wide();
                    }
                    members[i].type().json().append(text, out);
                }
            }
            out.append("}");
        }
    }
}
