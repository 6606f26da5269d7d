package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** One database of {@link PostgresServer}. Its methods throw {@link SQLException}, so that tests can look at SQLSTATEs. */
public final class TestDatabase {

    private final PostgresServer server;
    private final String name;

    TestDatabase(PostgresServer server, String name) {
        this.server = server;
        this.name = name;
    }

    /** The name of the database. */
    public String name() {
        return name;
    }

    /** How the owner of {@code df} reaches it. */
    public DatabaseUrl url() {
        return url(PostgresServer.OWNER);
    }

    /** How a role reaches it. */
    public DatabaseUrl url(String role) {
        return server.url(role, name);
    }

    /** Opens a session as a role. The caller closes it. */
    public Connection connect(String role) throws SQLException {
        return url(role).connect();
    }

    /**
     * Creates a role that may use {@code df} ({@code df.grant_usage}) and make tables in {@code public}.
     *
     * @return the name
     */
    public String createUser(String role) throws SQLException {
        createRole(role);
        execute(PostgresServer.OWNER, "SELECT df.grant_usage('" + role.replace("'", "''") + "')");
        return role;
    }

    /**
     * Creates a role without any right on {@code df}, which may make tables in {@code public}.
     *
     * @return the name
     */
    public String createRole(String role) {
        server.createRole(role);
        asSuperuser("GRANT USAGE, CREATE ON SCHEMA public TO \"" + role.replace("\"", "\"\"") + '"');
        return role;
    }

    /** Executes one or more statements as a role, in a session of their own. */
    public void execute(String role, String sql) throws SQLException {
        try (Connection connection = connect(role);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Executes statements as the superuser. */
    public void asSuperuser(String sql) {
        server.asSuperuser(name, sql);
    }

    /** Waits until a worker has published that it cannot log in as a role. */
    public void awaitRefusal(String role, String reason) {
        Awaitility.await("the worker cannot log in as " + role)
                .atMost(Duration.ofSeconds(60))
                .until(() -> String.valueOf(value(
                                PostgresServer.OWNER,
                                "SELECT problem FROM df._logins WHERE role_oid = ?::regrole",
                                '"' + role + '"'))
                        .contains(reason));
    }

    /** Executes a file of the test's class path as a role. */
    public void executeScript(String role, String resource) throws SQLException {
        try (InputStream in = TestDatabase.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalArgumentException("no resource " + resource);
            }
            execute(role, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first column of the first row as text, null for NULL and for no row. */
    public @Nullable String value(String role, String sql, Object... parameters) throws SQLException {
        List<List<@Nullable String>> rows = rows(role, sql, parameters);
        return rows.isEmpty() ? null : rows.get(0).get(0);
    }

    /** All rows as text. */
    public List<List<@Nullable String>> rows(String role, String sql, Object... parameters) throws SQLException {
        try (Connection connection = connect(role)) {
            return rows(connection, sql, parameters);
        }
    }

    /** All rows as text, in a session that the caller has open. */
    public static List<List<@Nullable String>> rows(Connection connection, String sql, Object... parameters)
            throws SQLException {
        // A statement without parameters is not prepared: its operators may contain '?'.
        if (parameters.length == 0) {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(sql)) {
                return read(rows);
            }
        }
        try (var statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                return read(rows);
            }
        }
    }

    private static List<List<@Nullable String>> read(ResultSet rows) throws SQLException {
        List<List<@Nullable String>> result = new ArrayList<>();
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            @Nullable String[] row = new String[columns];
            for (int i = 0; i < columns; i++) {
                row[i] = rows.getString(i + 1);
            }
            result.add(Arrays.asList(row));
        }
        return result;
    }

    /** The number of entries of an index that a statement reads, those of deleted rows included. */
    public static long entriesRead(Connection connection, String index, String sql) throws SQLException {
        // What the session has read so far: others do not see it at once.
        String read = "SELECT pg_stat_get_xact_tuples_returned('" + index + "'::regclass)";
        long before = number(connection, read);
        rows(connection, sql);
        return number(connection, read) - before;
    }

    private static long number(Connection connection, String sql) throws SQLException {
        return Long.parseLong(String.valueOf(rows(connection, sql).get(0).get(0)));
    }

    /** Pages that a query touches. What is compiled and read for the first time is no part of it. */
    public static long pages(Connection connection, String query) throws SQLException {
        rows(connection, query);
        String plan = rows(connection, "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + query)
                .get(0)
                .get(0);
        Matcher pages =
                Pattern.compile("\"Shared (?:Hit|Read) Blocks\": (\\d+)").matcher(plan);
        // Those of the root, which come first.
        long sum = 0;
        for (int i = 0; i < 2 && pages.find(); i++) {
            sum += Long.parseLong(pages.group(1));
        }
        return sum;
    }
}
