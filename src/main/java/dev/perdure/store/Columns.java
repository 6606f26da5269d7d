package dev.perdure.store;

import io.vertx.sqlclient.Row;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row, whichever driver brought it; an SQL NULL is null. */
interface Columns {

    @Nullable String text(String column);

    @Nullable Long number(String column);

    boolean isTrue(String column);

    @Nullable OffsetDateTime time(String column);

    Integer @Nullable [] numbers(String column);

    String @Nullable [] texts(String column);

    /** A row of the reactive client. */
    static Columns of(Row row) {
        return new Columns() {
            @Override
            public @Nullable String text(String column) {
                return row.getString(column);
            }

            @Override
            public @Nullable Long number(String column) {
                return row.getLong(column);
            }

            @Override
            public boolean isTrue(String column) {
                return Boolean.TRUE.equals(row.getBoolean(column));
            }

            @Override
            public @Nullable OffsetDateTime time(String column) {
                return row.getOffsetDateTime(column);
            }

            @Override
            public Integer @Nullable [] numbers(String column) {
                return row.getArrayOfIntegers(column);
            }

            @Override
            public String @Nullable [] texts(String column) {
                return row.getArrayOfStrings(column);
            }
        };
    }

    /** The current row of pgjdbc's, read all at once: nothing is left to fail while it is understood. */
    static Columns of(ResultSet row) throws SQLException {
        Map<String, Object> values = new HashMap<>();
        ResultSetMetaData columns = row.getMetaData();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            Object value = columns.getColumnTypeName(i).equals("timestamptz")
                    ? row.getObject(i, OffsetDateTime.class)
                    : row.getObject(i);
            values.put(columns.getColumnName(i), value instanceof Array array ? array.getArray() : value);
        }
        return new Columns() {
            @Override
            public @Nullable String text(String column) {
                return (String) values.get(column);
            }

            @Override
            public @Nullable Long number(String column) {
                Number number = (Number) values.get(column);
                return number == null ? null : number.longValue();
            }

            @Override
            public boolean isTrue(String column) {
                return Boolean.TRUE.equals(values.get(column));
            }

            @Override
            public @Nullable OffsetDateTime time(String column) {
                return (OffsetDateTime) values.get(column);
            }

            @Override
            public Integer @Nullable [] numbers(String column) {
                return (Integer[]) values.get(column);
            }

            @Override
            public String @Nullable [] texts(String column) {
                return (String[]) values.get(column);
            }
        };
    }
}
