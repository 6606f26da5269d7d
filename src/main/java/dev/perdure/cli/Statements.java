package dev.perdure.cli;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.NativeQuery;
import org.postgresql.core.Parser;

/** Executes SQL texts of several statements and prints the result of each. */
final class Statements {

    /** A statement of its own when a text ends with a semicolon, otherwise a part of the open statement. */
    private static final String PROBE = "perdure_probe";

    private final Connection connection;
    private final PrintWriter out;
    private final PrintWriter err;

    Statements(Connection connection, PrintWriter out, PrintWriter err) {
        this.connection = connection;
        this.out = out;
        this.err = err;
    }

    /**
     * Executes the statements one after another, each in a transaction of its own unless the text begins one.
     *
     * @throws SQLException of the first statement that fails; the ones behind it are not executed
     */
    void execute(String statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            for (NativeQuery query : split(statements)) {
                String command = behindComments(query.nativeSql);
                if (command.isEmpty()) {
                    continue;
                }
                boolean hasRows = statement.execute(query.nativeSql);
                warn(statement.getWarnings());
                statement.clearWarnings();
                if (hasRows) {
                    try (ResultSet rows = statement.getResultSet()) {
                        Table.read(rows).print(out);
                    }
                } else {
                    out.println(tag(command, statement.getUpdateCount()));
                }
                out.flush();
            }
        }
    }

    /** Executes one query with a parameter and prints its rows. */
    void query(String query, String parameter) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, parameter);
            try (ResultSet rows = statement.executeQuery()) {
                Table.read(rows).print(out);
            }
        }
    }

    /** Whether nothing but comments stands behind the last semicolon that is outside of quotes and comments. */
    static boolean isWhole(String statements) throws SQLException {
        List<NativeQuery> parts = split(statements + "\n" + PROBE);
        return !parts.isEmpty()
                && behindComments(parts.get(parts.size() - 1).nativeSql).equals(PROBE);
    }

    /** A statement without the comments before it; empty when there is nothing else. */
    private static String behindComments(String statement) {
        String rest = statement.strip();
        for (int length = comment(rest); length > 0; length = comment(rest)) {
            rest = rest.substring(Math.min(length, rest.length())).strip();
        }
        return rest;
    }

    /** How many characters the comment has with which a text begins; 0 when it begins with none. */
    private static int comment(String text) {
        if (text.startsWith("--")) {
            return text.contains("\n") ? text.indexOf('\n') : text.length();
        }
        return text.startsWith("/*") ? Parser.parseBlockComment(text.toCharArray(), 0) + 1 : 0;
    }

    private static List<NativeQuery> split(String statements) throws SQLException {
        return Parser.parseJdbcSql(statements, true, false, true, false, false);
    }

    /** Like psql's command tag: {@code INSERT 2}, {@code CREATE}. */
    private static String tag(String statement, int count) {
        String command = statement.split("\\W", 2)[0].toUpperCase(Locale.ROOT);
        boolean counts = Set.of("INSERT", "UPDATE", "DELETE", "MERGE", "WITH").contains(command);
        return counts ? command + " " + Math.max(0, count) : command;
    }

    private void warn(@Nullable SQLWarning first) {
        for (SQLWarning warning = first; warning != null; warning = warning.getNextWarning()) {
            err.println("NOTICE:  " + warning.getMessage());
        }
        err.flush();
    }
}
