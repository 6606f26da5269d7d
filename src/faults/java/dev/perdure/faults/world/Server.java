package dev.perdure.faults.world;

import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.embedded.PostmasterFile;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A durable PostgreSQL (fsync on) of a scenario's own, with schema {@code df} and the tables of the ledger. */
public final class Server implements AutoCloseable {

    private final Path directory;
    private final int port;
    private final DatabaseUrl owner;
    private final Thread hook = new Thread(this::crash, "end server");

    private Server(Path directory, int port, DatabaseUrl owner) {
        this.directory = directory;
        this.port = port;
        this.owner = owner;
    }

    /**
     * A new server, with schema {@code df} and the tables of the ledger.
     *
     * @param directory for its data; does not exist yet
     */
    public static Server start(Path directory) {
        try {
            Server original = Template.server();
            original.copyTo(directory);
            return original.startCopy(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Made once for all scenarios, since it takes its time; does not run. */
    private static final class Template {

        private static @Nullable Server made;

        static synchronized Server server() throws IOException {
            Server server = made;
            if (server == null) {
                Path folder = Files.createTempDirectory("perdure-faults-template");
                Path directory = folder.resolve("postgres");
                int port = Ports.free();
                server = new Server(
                        directory, port, EmbeddedServer.start(directory, port).workerUrl());
                try {
                    server.install();
                } catch (SQLException e) {
                    throw new IllegalStateException("the ledger cannot be made", e);
                }
                server.stop("INT");
                Runtime.getRuntime().addShutdownHook(new Thread(() -> Folders.delete(folder), "delete template"));
                made = server;
            }
            return server;
        }
    }

    /** A server on a copy of this one's data directory, on a port of its own. */
    public Server startCopy(Path copy) {
        int other = Ports.free();
        DatabaseUrl url = DatabaseUrl.parse("postgresql://127.0.0.1:" + other + "/")
                .withUser(owner.user(), null)
                .withDatabase(owner.database());
        Server server = new Server(copy, other, url);
        Runtime.getRuntime().addShutdownHook(server.hook);
        server.restart();
        return server;
    }

    private void install() throws SQLException {
        Migration.migrate(owner);
        try (Connection superuser = connect("postgres");
                Connection worker = connect("df_worker");
                Connection app = connect(LedgerTables.APP)) {
            LedgerTables.create(superuser, worker, app);
        }
    }

    public int port() {
        return port;
    }

    public Path directory() {
        return directory;
    }

    /** How a role reaches it, past the proxy. */
    public DatabaseUrl url(String role) {
        return owner.withUser(role, null);
    }

    /** A session past the proxy. */
    public Connection connect(String role) throws SQLException {
        return url(role)
                .withParameter("connect_timeout", "10")
                .withParameter("application_name", "faults")
                .connect();
    }

    /** Executes statements as the superuser. */
    public void asSuperuser(String sql) throws SQLException {
        try (Connection connection = connect("postgres");
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** SIGQUIT to the postmaster: an immediate shutdown, which loses what was not flushed. Returns when it is gone. */
    public void crash() {
        stop("QUIT");
    }

    private void stop(String signal) {
        PostmasterFile.read(directory).ifPresent(running -> {
            Processes.signal(running.pid(), signal);
            Awaitility.await("end of the server").atMost(World.PATIENCE).until(() -> PostmasterFile.read(directory)
                    .isEmpty());
        });
    }

    /** Starts it again after a crash, as it was started before; returns when it has recovered. */
    public void restart() {
        Postmaster.start(directory, port);
        Awaitility.await("the server has recovered")
                .atMost(World.PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .ignoreExceptionsMatching(SQLException.class::isInstance)
                .until(() -> {
                    try (Connection connection = connect("postgres")) {
                        return connection.isValid(2);
                    }
                });
    }

    /**
     * Copies the data directory of a server that does not run.
     *
     * @param copy does not exist yet
     */
    public void copyTo(Path copy) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                if (!file.endsWith("postmaster.pid")) {
                    Files.copy(file, copy.resolve(directory.relativize(file)));
                }
            }
            // Copied directories get what the umask leaves; PostgreSQL insists.
            Files.setPosixFilePermissions(copy, Files.getPosixFilePermissions(directory));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        crash();
        Runtime.getRuntime().removeShutdownHook(hook);
    }
}
