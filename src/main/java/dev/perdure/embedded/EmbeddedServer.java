package dev.perdure.embedded;

import dev.perdure.database.DatabaseUrl;
import io.quarkus.runtime.ImageMode;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * A PostgreSQL on 127.0.0.1 whose data directory outlives the application, as durable as an installed one. Everybody on
 * this machine may log in as any role without a password.
 */
public final class EmbeddedServer {

    /** The database of the worker and of people. */
    public static final String DATABASE = "app";

    /** The worker's role, the owner of the schema {@code df}; no superuser. */
    public static final String WORKER = "df_worker";

    /** The role for people. */
    public static final String PEOPLE = "app";

    private static final Logger LOG = Logger.getLogger(EmbeddedServer.class);
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    private final int port;

    private EmbeddedServer(int port) {
        this.port = port;
    }

    /**
     * Starts the server of a data directory, created when it does not exist, or adopts the one that runs there. Either is
     * stopped when this JVM ends, unless another JVM was first to use the directory.
     *
     * @param preferredPort the port on 127.0.0.1; another when it is taken
     * @throws EmbeddedServerException with the end of the server's log
     */
    public static EmbeddedServer start(Path dataDirectory, int preferredPort) {
        if (ImageMode.current() == ImageMode.NATIVE_RUN) {
            throw new EmbeddedServerException(
                    "The native executable has no embedded PostgreSQL: set perdure.database.url (PERDURE_DATABASE_URL), or"
                            + " run the JVM application to try Perdure",
                    null);
        }
        Path directory = dataDirectory.toAbsolutePath().normalize();
        StopAtExit.register(directory);
        int port = PostmasterFile.read(directory)
                .flatMap(running -> adopt(directory, running))
                .orElseGet(() -> launch(directory, preferredPort));
        EmbeddedServer server = new EmbeddedServer(port);
        FirstRun.prepare(server);
        return server;
    }

    /** The URL for people of the running server of a data directory; empty when none runs. */
    public static Optional<DatabaseUrl> find(Path dataDirectory) {
        return PostmasterFile.read(dataDirectory)
                .map(running -> new EmbeddedServer(running.port()).url(PEOPLE, DATABASE));
    }

    /** The URL for the worker. */
    public DatabaseUrl workerUrl() {
        return url(WORKER, DATABASE);
    }

    /** The URL for people. */
    public DatabaseUrl peopleUrl() {
        return url(PEOPLE, DATABASE);
    }

    DatabaseUrl url(String role, String database) {
        return DatabaseUrl.parse("postgresql://127.0.0.1:" + port + "/")
                .withUser(role, null)
                .withDatabase(database);
    }

    private static Optional<Integer> adopt(Path directory, PostmasterFile file) {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        PostmasterFile running = file;
        while (System.nanoTime() < deadline) {
            if (serves(directory, running)) {
                LOG.infof("The embedded PostgreSQL already runs on port %d", running.port());
                return Optional.of(running.port());
            }
            pause();
            Optional<PostmasterFile> again = PostmasterFile.read(directory);
            if (again.isEmpty()) {
                return Optional.empty(); // it was stopping
            }
            running = again.get();
        }
        throw new EmbeddedServerException(
                "Process " + running.pid() + " is the PostgreSQL of " + directory + " but does not answer on port "
                        + running.port(),
                null);
    }

    /** The pid of a stale file can belong to anybody by now: ask the server which directory it serves. */
    private static boolean serves(Path directory, PostmasterFile running) {
        DatabaseUrl url = new EmbeddedServer(running.port()).url("postgres", "postgres");
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SHOW data_directory")) {
            return row.next() && Files.isSameFile(Path.of(row.getString(1)), directory);
        } catch (SQLException e) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int launch(Path directory, int preferredPort) {
        int port = isFree(preferredPort) ? preferredPort : freePort();
        if (port != preferredPort) {
            LOG.warnf("Port %d is taken, the embedded PostgreSQL listens on %d", preferredPort, port);
        }
        Path log = directory.resolveSibling(directory.getFileName() + ".log");
        boolean first = !Files.exists(directory.resolve("PG_VERSION"));
        if (first) {
            LOG.infof("Creating the embedded PostgreSQL in %s", directory);
        }
        try {
            Files.createDirectories(directory.resolveSibling("."));
            ProcessBuilder.Redirect output = ProcessBuilder.Redirect.appendTo(log.toFile());
            EmbeddedPostgres.builder()
                    .setDataDirectory(directory)
                    .setCleanDataDirectory(false)
                    .setRegisterShutdownHook(false)
                    .setPGStartupWait(START_LIMIT)
                    .setPort(port)
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("listen_addresses", "127.0.0.1")
                    .setServerConfig("unix_socket_directories", "")
                    .setServerConfig("max_connections", "200")
                    .setOutputRedirector(output)
                    .setErrorRedirector(output)
                    .setDataDirectoryCustomizer(created -> allowLoopback(created.toPath()))
                    .start();
            return port;
        } catch (IOException | IllegalStateException e) {
            throw new EmbeddedServerException(
                    "The embedded PostgreSQL does not start: " + e.getMessage() + tail(log), e);
        }
    }

    private static void allowLoopback(Path directory) {
        try {
            Files.writeString(directory.resolve("pg_hba.conf"), "host all all 127.0.0.1/32 trust\n");
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write pg_hba.conf", e);
        }
    }

    private static String tail(Path log) {
        try {
            List<String> lines = Files.readAllLines(log);
            return ". The end of " + log + ":\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - 8), lines.size()));
        } catch (IOException e) {
            return "";
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EmbeddedServerException("Interrupted while the embedded PostgreSQL starts", e);
        }
    }
}
