package dev.perdure.cli;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.embedded.EmbeddedServer;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.io.PrintWriter;
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
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.NativeQuery;
import org.postgresql.core.Parser;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code perdure sql}: for machines without psql. Each statement commits by itself; the first error ends the command. */
@RegisterForReflection
@Command(
        name = "sql",
        description =
                "Executes SQL statements one after another, each in a transaction of its own, and prints their results.",
        mixinStandardHelpOptions = true)
final class SqlCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "A libpq URL. Default: PERDURE_SQL_URL, else the role app of the embedded server.")
    private @Nullable String url;

    @Option(
            names = "--data-directory",
            paramLabel = "DIR",
            description =
                    "Where the embedded server keeps its data. Default: PERDURE_EMBEDDED_DATA_DIRECTORY, else data/postgres.")
    private @Nullable Path directory;

    @Parameters(
            paramLabel = "STATEMENTS",
            description = "Separated by semicolons; - reads them from the standard input.")
    private String sql;

    SqlCommand() {}

    @Override
    public Integer call() throws SQLException, IOException {
        String named = url == null ? System.getenv("PERDURE_SQL_URL") : url;
        Optional<DatabaseUrl> target =
                named == null ? EmbeddedServer.find(directory()) : Optional.of(DatabaseUrl.parse(named));
        if (target.isEmpty()) {
            spec.commandLine()
                    .getErr()
                    .println("No embedded server runs in " + directory().toAbsolutePath()
                            + ". Start it (./mvnw quarkus:dev), or name a database: --url postgresql://…");
            return Commands.PROBLEM;
        }
        String statements = sql.equals("-") ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8) : sql;
        execute(target.get().withParameter("application_name", "perdure sql"), statements);
        return 0;
    }

    private Path directory() {
        return directory != null
                ? directory
                : Path.of(Optional.ofNullable(System.getenv("PERDURE_EMBEDDED_DATA_DIRECTORY"))
                        .orElse("data/postgres"));
    }

    private void execute(DatabaseUrl database, String statements) throws SQLException {
        PrintWriter out = spec.commandLine().getOut();
        try (Connection connection = database.connect(Map.of("binaryTransfer", "false"));
                Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            for (NativeQuery query : Parser.parseJdbcSql(statements, true, false, true, false, false)) {
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
                out.flush();
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
            spec.commandLine().getErr().println("NOTICE:  " + warning.getMessage());
        }
    }
}
