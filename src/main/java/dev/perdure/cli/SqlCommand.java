package dev.perdure.cli;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.embedded.EmbeddedServer;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code perdure sql}: for machines without psql. Each statement commits by itself. The first error ends the command, except at the prompt.
 */
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
            names = "--database",
            paramLabel = "NAME",
            description = "As the owner in the worker's database of this name: perdure.databases.NAME.url.")
    private @Nullable String database;

    @Option(
            names = "--data-directory",
            paramLabel = "DIR",
            description =
                    "Where the embedded server keeps its data. Default: PERDURE_EMBEDDED_DATA_DIRECTORY, else data/postgres.")
    private @Nullable Path directory;

    @Parameters(
            arity = "0..1",
            paramLabel = "STATEMENTS",
            description =
                    "Separated by semicolons; - reads them from the standard input. Without them: a prompt, where \\? is the help.")
    private @Nullable String sql;

    SqlCommand() {}

    @Override
    public Integer call() throws SQLException, IOException {
        String named = url == null ? System.getenv("PERDURE_SQL_URL") : url;
        Optional<DatabaseUrl> target = target(named);
        if (target.isEmpty()) {
            spec.commandLine()
                    .getErr()
                    .println("No embedded server runs in " + directory().toAbsolutePath()
                            + ". Start it (./mvnw quarkus:dev), or name a database: --url postgresql://…");
            return Commands.PROBLEM;
        }
        DatabaseUrl database = target.get().withParameter("application_name", "perdure sql");
        try (Connection connection = database.connect(Map.of("binaryTransfer", "false"))) {
            var statements = new Statements(
                    connection, spec.commandLine().getOut(), spec.commandLine().getErr());
            if (sql != null && !sql.equals("-")) {
                statements.execute(sql);
            } else if (sql == null && hasTerminal()) {
                var lines = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
                new SqlPrompt(
                                statements,
                                lines,
                                spec.commandLine().getOut(),
                                spec.commandLine().getErr())
                        .run();
            } else {
                statements.execute(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return 0;
    }

    private Optional<DatabaseUrl> target(@Nullable String named) {
        if (database != null) {
            return Optional.of(new WorkerSettings(database).url(url));
        }
        return named == null ? EmbeddedServer.find(directory()) : Optional.of(DatabaseUrl.parse(named));
    }

    /** Since Java 22 there is a console without a terminal too; it says so itself. */
    private static boolean hasTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path directory() {
        return directory != null
                ? directory
                : Path.of(Optional.ofNullable(System.getenv("PERDURE_EMBEDDED_DATA_DIRECTORY"))
                        .orElse("data/postgres"));
    }
}
