package dev.perdure.cli;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.InvalidDatabaseUrlException;
import dev.perdure.embedded.EmbeddedServer;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.NativeQuery;
import org.postgresql.core.Parser;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** {@code perdure sql}: for machines without psql. Each statement commits by itself; the first error ends the command. */
public final class SqlCommand {

    private static final String USAGE =
            """
            Usage: perdure sql [--url URL | --data-directory DIR] "statement; statement …"
            Executes the statements one after another, each in a transaction of its own, and prints their results.
            "-" reads them from the standard input.

              --url URL             a libpq URL. Default: PERDURE_SQL_URL, else the role app of the embedded server
              --data-directory DIR  where the embedded server keeps its data. Default: PERDURE_EMBEDDED_DATA_DIRECTORY,
                                    else data/postgres""";

    private final PrintStream out;
    private final PrintStream err;

    /** A command that prints results to one stream and problems to the other. */
    public SqlCommand(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /**
     * Runs the command.
     *
     * @return the exit code: 0, 1 after an error of the database, 2 when the command was misspelt
     */
    public int run(String... arguments) {
        @Nullable String url = System.getenv("PERDURE_SQL_URL");
        String directory = Optional.ofNullable(System.getenv("PERDURE_EMBEDDED_DATA_DIRECTORY"))
                .orElse("data/postgres");
        @Nullable String sql = null;
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            boolean hasNext = i + 1 < arguments.length;
            if (argument.equals("--help") || argument.equals("-h")) {
                out.println(USAGE);
                return 0;
            } else if (argument.equals("--url") && hasNext) {
                url = arguments[++i];
            } else if (argument.equals("--data-directory") && hasNext) {
                directory = arguments[++i];
            } else if (sql == null && (argument.equals("-") || !argument.startsWith("--"))) {
                sql = argument;
            } else {
                err.println(USAGE);
                return 2;
            }
        }
        if (sql == null) {
            err.println(USAGE);
            return 2;
        }
        return execute(url, Path.of(directory), sql.equals("-") ? standardInput() : sql);
    }

    private int execute(@Nullable String url, Path directory, String sql) {
        try {
            Optional<DatabaseUrl> target =
                    url == null ? EmbeddedServer.find(directory) : Optional.of(DatabaseUrl.parse(url));
            if (target.isEmpty()) {
                err.println("No embedded server runs in " + directory.toAbsolutePath()
                        + ". Start it (./mvnw quarkus:dev), or name a database: --url postgresql://…");
                return 1;
            }
            execute(target.get().withParameter("application_name", "perdure sql"), sql);
            return 0;
        } catch (InvalidDatabaseUrlException e) {
            err.println(e.getMessage());
            return 2;
        } catch (SQLException e) {
            report(e);
            return 1;
        }
    }

    private void execute(DatabaseUrl url, String sql) throws SQLException {
        try (Connection connection = url.connect(Map.of("binaryTransfer", "false"));
                Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            for (NativeQuery query : Parser.parseJdbcSql(sql, true, false, true, false, false)) {
                if (query.nativeSql.isBlank()) {
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
                    out.println(tag(query.nativeSql, statement.getUpdateCount()));
                }
            }
        }
    }

    /** Like psql's command tag: {@code INSERT 2}, {@code CREATE}. */
    private static String tag(String statement, int count) {
        String command = statement.strip().split("\\W", 2)[0].toUpperCase(Locale.ROOT);
        boolean counts = Set.of("INSERT", "UPDATE", "DELETE", "MERGE", "WITH").contains(command);
        return counts ? command + " " + Math.max(0, count) : command;
    }

    private void warn(@Nullable SQLWarning first) {
        for (SQLWarning warning = first; warning != null; warning = warning.getNextWarning()) {
            err.println("NOTICE:  " + warning.getMessage());
        }
    }

    private void report(SQLException e) {
        @Nullable ServerErrorMessage error = e instanceof PSQLException failure ? failure.getServerErrorMessage() : null;
        if (error == null) {
            err.println("ERROR:  " + e.getMessage() + " (SQLSTATE " + e.getSQLState() + ")");
            return;
        }
        err.println(error.getSeverity() + ":  " + error.getMessage() + " (SQLSTATE " + error.getSQLState() + ")");
        if (error.getDetail() != null) {
            err.println("DETAIL:  " + error.getDetail());
        }
        if (error.getHint() != null) {
            err.println("HINT:  " + error.getHint());
        }
    }

    private static String standardInput() {
        try {
            return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
