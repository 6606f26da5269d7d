package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.flow.Json;
import dev.perdure.flow.Result;
import dev.perdure.session.StepFailedException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes {@code {"rows":[{…}],"row_count":n}} of what a statement returned (specification 4.6). It happens before the
 * commit: a value that cannot be converted rolls the statement back.
 */
final class RowsReader {

    private static final Result NO_ROWS = new Result("{\"rows\":[],\"row_count\":0}", null);

    private final long maxSize;

    /**
     * @param maxSize bytes of the document
     */
    RowsReader(long maxSize) {
        this.maxSize = maxSize;
    }

    Result read(@Nullable ResultSet rows) throws SQLException, StepFailedException {
        if (rows == null) {
            return NO_ROWS;
        }
        ResultSetMetaData columns = rows.getMetaData();
        // One key for a name that occurs twice: the last column's value, at the first one's place.
        Map<String, Integer> columnOf = new LinkedHashMap<>();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            columnOf.put(columns.getColumnLabel(i), i);
        }
        StringBuilder json = new StringBuilder("{\"rows\":[");
        StringBuilder types = new StringBuilder("[");
        String[] keys = new String[columnOf.size()];
        JsonValue[] converters = new JsonValue[columnOf.size()];
        int[] positions = new int[columnOf.size()];
        int n = 0;
        for (Map.Entry<String, Integer> entry : columnOf.entrySet()) {
            ColumnType type = ColumnTypes.of(rows, entry.getValue(), entry.getKey());
            keys[n] = Json.quoted(entry.getKey()) + ":";
            positions[n] = entry.getValue();
            converters[n] = type.json();
            types.append(n == 0 ? "[" : ",[")
                    .append(Json.quoted(entry.getKey()))
                    .append(',');
            types.append(Json.quoted(type.name())).append(']');
            n++;
        }
        types.append(']');
        long count = 0;
        while (rows.next()) {
            json.append(count == 0 ? "{" : ",{");
            for (int i = 0; i < n; i++) {
                if (i > 0) {
                    json.append(',');
                }
                json.append(keys[i]);
                String text = rows.getString(positions[i]);
                if (text == null) {
                    json.append("null");
                } else {
                    converters[i].append(text, json);
                }
            }
            json.append('}');
            count++;
            if (json.length() > maxSize) {
                throw tooLarge();
            }
        }
        json.append("],\"row_count\":").append(count).append('}');
        String document = json.toString();
        if (document.length() * 3L > maxSize && document.getBytes(StandardCharsets.UTF_8).length > maxSize) {
            throw tooLarge();
        }
        return new Result(document, types.toString());
    }

    private StepFailedException tooLarge() {
        return new StepFailedException(new Failure(
                Failure.Kind.STEP,
                "54000",
                "the result is larger than perdure.step.max-result-size (" + maxSize
                        + " bytes); return fewer rows, or keep them in a table"));
    }
}
