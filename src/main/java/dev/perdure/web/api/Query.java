package dev.perdure.web.api;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A statement with its values, put together from texts of ours; values of callers are bound. */
final class Query {

    private final StringBuilder sql = new StringBuilder();
    private final List<@Nullable Object> values = new ArrayList<>();

    Query(String sql) {
        this.sql.append(sql);
    }

    Query add(String more, @Nullable Object... bound) {
        sql.append(more);
        for (Object value : bound) {
            values.add(value);
        }
        return this;
    }

    /** The first column of the first row as text; null when there is no row, or it is null. */
    @Nullable String first(Connection session) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(sql.toString())) {
            for (int i = 0; i < values.size(); i++) {
                Object value = values.get(i);
                if (value == null || value instanceof String) {
                    statement.setString(i + 1, (String) value);
                } else {
                    statement.setObject(i + 1, value);
                }
            }
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    static @Nullable String first(Connection session, String sql, @Nullable Object... values) throws SQLException {
        return new Query(sql).add("", values).first(session);
    }

    /** The document that a query makes, whatever it finds. */
    static String document(Connection session, String sql, @Nullable Object... values) throws SQLException {
        return Objects.requireNonNull(first(session, sql, values), "a document");
    }
}
