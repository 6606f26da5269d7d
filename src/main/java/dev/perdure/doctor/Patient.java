package dev.perdure.doctor;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The examined database: the worker's settings for it, and a session of the owner. */
record Patient(Doctor.Settings settings, Connection session) {

    DatabaseUrl url() {
        return settings.worker();
    }

    /** All rows as text. */
    List<List<@Nullable String>> rows(String sql, Object... parameters) throws SQLException {
        return rows(session, sql, parameters);
    }

    /** The only row as text. */
    List<@Nullable String> row(String sql, Object... parameters) throws SQLException {
        return rows(sql, parameters).get(0);
    }

    /** The only value as text. */
    String value(String sql, Object... parameters) throws SQLException {
        return String.valueOf(row(sql, parameters).get(0));
    }

    boolean isTrue(String sql, Object... parameters) throws SQLException {
        return value(sql, parameters).equals("t");
    }

    static List<List<@Nullable String>> rows(Connection session, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                List<List<@Nullable String>> result = new ArrayList<>();
                int columns = rows.getMetaData().getColumnCount();
                while (rows.next()) {
                    List<@Nullable String> row = new ArrayList<>();
                    for (int i = 1; i <= columns; i++) {
                        row.add(rows.getString(i));
                    }
                    result.add(row);
                }
                return result;
            }
        }
    }
}
