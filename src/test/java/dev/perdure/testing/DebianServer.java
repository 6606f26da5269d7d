package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * A PostgreSQL as people have it: Debian's package with its default settings (JIT on), {@code scram-sha-256} for everybody, TLS
 * with a certificate of an authority of the test's own. One for each JVM, started by the first test that asks; tests are skipped
 * where the package is not installed ({@code apt-get install postgresql-15}).
 */
public final class DebianServer {

    private static final Path INSTALLED = Path.of("/usr/lib/postgresql");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String SUPERUSER_PASSWORD = "super's own";
    private static final AtomicInteger DATABASES = new AtomicInteger();

    private static final class Holder {
        static final Optional<Path> BINARIES = binaries();
        static final Optional<DebianServer> SERVER = BINARIES.map(DebianServer::new);
    }

    private final Path binaries;
    private final Path directory;
    private final CertificateAuthority authority;
    private final int port;
    private final List<Process> processes = new ArrayList<>();

    private DebianServer(Path binaries) {
        this.binaries = binaries;
        try {
            directory = Files.createTempDirectory("pg");
            authority = new CertificateAuthority(directory, "ca");
            port = freePort();
            start();
        } catch (IOException e) {
            throw new UncheckedIOException("Debian's PostgreSQL does not start", e);
        }
        Awaitility.await("Debian's PostgreSQL")
                .atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> {
                    asSuperuser("postgres", "SELECT 1");
                    return true;
                });
        asSuperuser("postgres", "CREATE ROLE df_worker LOGIN PASSWORD 'df_worker!'");
    }

    /** The server of this JVM. Skips the test where Debian's package is not installed. */
    public static DebianServer get() {
        Assumptions.assumeTrue(
                Holder.BINARIES.isPresent(),
                "Debian's PostgreSQL is not installed: apt-get install --no-install-recommends postgresql-15");
        return Holder.SERVER.orElseThrow();
    }

    /** The server of this JVM, where Debian's package is installed. */
    public static Optional<DebianServer> find() {
        return Holder.SERVER;
    }

    private static Optional<Path> binaries() {
        if (!Files.isDirectory(INSTALLED)) {
            return Optional.empty();
        }
        try (Stream<Path> versions = Files.list(INSTALLED)) {
            return versions.map(version -> version.resolve("bin"))
                    .filter(bin -> Files.isExecutable(bin.resolve("initdb")))
                    .min(Comparator.naturalOrder());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void start() throws IOException {
        Path password = Files.writeString(directory.resolve("password"), SUPERUSER_PASSWORD);
        CertificateAuthority.Issued server = authority.issue("server", "localhost", "san=dns:localhost");
        Path data = directory.resolve("data");
        if (isRoot()) {
            // The server refuses to run as root.
            call(List.of("chown", "-R", "postgres:", directory.toString()));
        }
        call(asServer(
                "initdb",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth=scram-sha-256",
                "--username=postgres",
                "--pwfile=" + password,
                "--pgdata=" + data));
        Files.writeString(
                directory.resolve("settings"),
                "ssl = on\nssl_cert_file = '" + server.certificate() + "'\nssl_key_file = '" + server.key()
                        + "'\nunix_socket_directories = '" + directory + "'\n");
        Files.writeString(
                data.resolve("postgresql.conf"),
                "include = '" + directory.resolve("settings") + "'\n",
                StandardOpenOption.APPEND);
        processes.add(run(data, port));
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
    }

    private Process run(Path data, int onPort) throws IOException {
        return new ProcessBuilder(asServer("postgres", "-D", data.toString(), "-c", "port=" + onPort))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /**
     * Starts a standby of this server, which follows it and takes no writes.
     *
     * @return its port
     */
    public synchronized int standby() {
        try {
            int onPort = freePort();
            Path data = directory.resolve("standby" + onPort);
            Path passwords =
                    Files.writeString(directory.resolve("pgpass"), "*:*:*:postgres:" + SUPERUSER_PASSWORD + "\n");
            Files.setPosixFilePermissions(passwords, PosixFilePermissions.fromString("rw-------"));
            if (isRoot()) {
                call(List.of("chown", "postgres:", passwords.toString()));
            }
            call(asServer(
                    "pg_basebackup",
                    "--checkpoint=fast",
                    "--no-sync",
                    "--write-recovery-conf",
                    "--pgdata=" + data,
                    "--dbname=host=" + directory + " port=" + port + " user=postgres passfile=" + passwords));
            processes.add(run(data, onPort));
            Awaitility.await("the standby").atMost(PATIENCE).ignoreExceptions().until(() -> {
                execute(url(onPort, "postgres", SUPERUSER_PASSWORD, "postgres"), "SELECT 1");
                return true;
            });
            return onPort;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private synchronized void stop() {
        processes.forEach(Process::destroy);
        try {
            for (Process process : processes) {
                process.waitFor();
            }
            call(List.of("rm", "-rf", directory.toString()));
        } catch (IOException e) {
            directory.toFile().deleteOnExit();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private List<String> asServer(String program, String... arguments) {
        List<String> command = new ArrayList<>();
        if (isRoot()) {
            command.addAll(List.of("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"));
        }
        command.add(binaries.resolve(program).toString());
        command.addAll(List.of(arguments));
        return command;
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    private static void call(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(command + ": " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** The port, on {@code localhost}. */
    public int port() {
        return port;
    }

    /** The authority that signed the server's certificate. */
    public Path certificate() {
        return authority.certificate();
    }

    /**
     * How a role reaches a database: over TLS, the server's certificate verified.
     *
     * @param password null for none
     */
    public DatabaseUrl url(String role, @Nullable String password, String database) {
        return url(port, role, password, database);
    }

    /** The same by way of another port, which leads to this server's. */
    public DatabaseUrl url(int otherPort, String role, @Nullable String password, String database) {
        return DatabaseUrl.checked("postgresql://localhost:" + otherPort + "/?sslmode=verify-full&sslrootcert="
                        + authority.certificate())
                .withUser(role, password)
                .withDatabase(database);
    }

    /** How the owner of schema {@code df} reaches a database. */
    public DatabaseUrl worker(String database) {
        return url("df_worker", password("df_worker"), database);
    }

    /** How the superuser reaches a database. */
    public DatabaseUrl superuser(String database) {
        return url("postgres", SUPERUSER_PASSWORD, database);
    }

    /** The password of a role of these tests. */
    public static String password(String role) {
        return role + "!";
    }

    /**
     * A new database in which {@code df_worker} has just installed the schema {@code df}.
     *
     * @return its name
     */
    public String newDatabase() {
        String name = "d" + DATABASES.incrementAndGet();
        asSuperuser("postgres", "CREATE DATABASE " + name);
        asSuperuser("postgres", "GRANT CREATE ON DATABASE " + name + " TO df_worker");
        asSuperuser(name, "GRANT CREATE ON SCHEMA public TO df_worker");
        Migration.migrate(worker(name));
        return name;
    }

    /** A role that may log in with {@link #password} and use {@code df} in a database. */
    public void createUser(String role, String database) {
        asSuperuser("postgres", "CREATE ROLE " + role + " LOGIN PASSWORD '" + password(role) + "'");
        asSuperuser(database, "GRANT USAGE, CREATE ON SCHEMA public TO " + role);
        execute(worker(database), "SELECT df.grant_usage('" + role + "')");
    }

    /**
     * Calls one of the package's programs for clients, such as pg_dump, as a role.
     *
     * @return what it said, and 0 when it succeeded
     */
    public Said call(String program, DatabaseUrl as, String... arguments) {
        try {
            List<String> command =
                    new ArrayList<>(List.of(binaries.resolve(program).toString()));
            command.addAll(List.of(arguments));
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment()
                    .putAll(Map.of(
                            "PGHOST", "localhost",
                            "PGPORT", Integer.toString(port),
                            "PGUSER", as.user(),
                            "PGPASSWORD", as.password().orElse(""),
                            "PGDATABASE", as.database(),
                            "PGSSLMODE", "verify-full",
                            "PGSSLROOTCERT", authority.certificate().toString()));
            Process process = builder.start();
            process.getOutputStream().close();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Said(process.waitFor(), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** What a program said, standard output and errors together. */
    public record Said(int status, String text) {}

    /** Executes statements as the superuser. */
    public void asSuperuser(String database, String sql) {
        execute(superuser(database), sql);
    }

    /** Executes statements. */
    public static void execute(DatabaseUrl url, String sql) {
        try (Connection session = url.connect();
                Statement statement = session.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("Failed as " + url.user() + ": " + sql, e);
        }
    }
}
