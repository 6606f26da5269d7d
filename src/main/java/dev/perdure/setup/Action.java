package dev.perdure.setup;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * One statement. Names and values are put into it by the server ({@code format}), or, where it is only shown, by the same rules.
 *
 * @param what it does, for people, without secrets
 * @param isNeeded a query that says so, with {@code ?} for {@code arguments}
 * @param template as {@code format} takes it: {@code %I} for a name, {@code %L} for a value
 * @param values of the template
 */
record Action(String what, String isNeeded, List<String> arguments, String template, List<String> values) {

    boolean isNeeded(Connection session) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement("SELECT " + isNeeded)) {
            for (int i = 0; i < arguments.size(); i++) {
                statement.setString(i + 1, arguments.get(i));
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    void execute(Connection session) throws SQLException {
        String sql = text(session);
        try (Statement statement = session.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute(sql);
        }
    }

    /** The statement, by the server. */
    String text(Connection session) throws SQLException {
        try (PreparedStatement statement =
                session.prepareStatement("SELECT pg_catalog.format(?::text, VARIADIC ?::text[])")) {
            statement.setString(1, template);
            statement.setArray(2, session.createArrayOf("text", values.toArray()));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    /** The statement for somebody who runs it elsewhere. */
    String text() {
        StringBuilder sql = new StringBuilder();
        int value = 0;
        int from = 0;
        for (int at = template.indexOf('%'); at >= 0; at = template.indexOf('%', from)) {
            sql.append(template, from, at);
            String text = values.get(value++);
            sql.append(template.charAt(at + 1) == 'I' ? identifier(text) : literal(text));
            from = at + 2;
        }
        return sql.append(template.substring(from)).toString();
    }

    static String identifier(String name) {
        return name.matches("[a-z_][a-z0-9_]*") ? name : '"' + name.replace("\"", "\"\"") + '"';
    }

    private static String literal(String value) {
        String quoted = "'" + value.replace("'", "''").replace("\\", "\\\\") + "'";
        return value.contains("\\") ? "E" + quoted : quoted;
    }
}
