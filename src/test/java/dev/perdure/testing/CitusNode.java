package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A server of a {@link CitusCluster}, which can be crashed and started again where this process may do so. */
public final class CitusNode {

    private static final Duration PATIENCE = Duration.ofSeconds(120);
    /** Of a server that does not run nothing can be asked. */
    private static final Map<DatabaseUrl.Host, CitusNode> KNOWN = new ConcurrentHashMap<>();

    private final DatabaseUrl superuser;
    private final Path directory;
    private final Path binaries;

    private CitusNode(DatabaseUrl superuser, Path directory, Path binaries) {
        this.superuser = superuser;
        this.directory = directory;
        this.binaries = binaries;
    }

    /** The one at an address; it runs when it is asked for the first time. */
    static CitusNode at(DatabaseUrl superuser) {
        return KNOWN.computeIfAbsent(superuser.hosts().get(0), ignored -> {
            try (Connection session = superuser.connect()) {
                List<@Nullable String> paths = TestDatabase.rows(
                                session,
                                "SELECT current_setting('data_directory'), (SELECT setting FROM pg_config WHERE name = 'BINDIR')")
                        .get(0);
                return new CitusNode(
                        superuser, Path.of(String.valueOf(paths.get(0))), Path.of(String.valueOf(paths.get(1))));
            } catch (SQLException e) {
                throw new IllegalStateException("Node " + superuser + " cannot be looked at", e);
            }
        });
    }

    public String host() {
        return superuser.hosts().get(0).name();
    }

    public int port() {
        return superuser.hosts().get(0).port();
    }

    /** Executes statements as the superuser, in a database of this node. */
    public void execute(String database, String sql) throws SQLException {
        try (Connection connection = superuser.withDatabase(database).connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** All rows as text, as the superuser, in a database of this node. */
    public List<List<@Nullable String>> rows(String database, String sql) throws SQLException {
        try (Connection connection = superuser.withDatabase(database).connect()) {
            return TestDatabase.rows(connection, sql);
        }
    }

    /** An immediate shutdown, which loses what was not flushed. Returns when it is gone. */
    public void crash() {
        control("stop", "-m", "immediate");
    }

    /** Starts it as it was started before, unless it runs; returns when it has recovered. */
    public void start() {
        if (control("status") == 0 && answers()) {
            return;
        }
        control(
                "restart",
                "-m",
                "immediate",
                "-l",
                directory.resolveSibling(directory.getFileName() + ".log").toString());
        Awaitility.await("the node at port " + port() + " has recovered")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .until(this::answers);
    }

    /** Whether a session can be had. */
    public boolean answers() {
        try {
            return !rows(superuser.database(), "SELECT 1").isEmpty();
        } catch (SQLException e) {
            return false;
        }
    }

    private int control(String... arguments) {
        try {
            List<String> command = new ArrayList<>();
            String owner = Files.getOwner(directory).getName();
            if (!owner.equals(System.getProperty("user.name"))) {
                command.addAll(List.of("runuser", "-u", owner, "--"));
            }
            command.addAll(List.of(binaries.resolve("pg_ctl").toString(), "-w", "-s", "-D", directory.toString()));
            command.addAll(List.of(arguments));
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError(command + " does not end");
            }
            return process.exitValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
