package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * A PostgreSQL as people have it: Debian's package with its default settings (JIT on), {@code scram-sha-256} for everybody, TLS
 * with a certificate of an authority of the test's own. One for each JVM, started by the first test that asks; tests are skipped
 * where the package is not installed ({@code apt-get install postgresql-15}).
 */
public final class DebianServer implements AutoCloseable {

    private static final Path INSTALLED = Path.of("/usr/lib/postgresql");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String SUPERUSER_PASSWORD = "super's own";
    private static final AtomicInteger DATABASES = new AtomicInteger();
    private static final String ORDINARY = ordinaryUser();

    /** What is migrated once, and copied for each database of the server that tests share. */
    private static final String TEMPLATE = "migrated_template";

    private static final class Holder {
        static final Optional<Path> BINARIES = binaries();
        static final Optional<DebianServer> SERVER = BINARIES.map(binaries -> new DebianServer(binaries, Map.of()));
    }

    /** One authority, and one certificate of a server, for all servers of the JVM: to make them takes longer than to make a server. */
    private static final class Certificates {
        static final CertificateAuthority AUTHORITY;
        static final CertificateAuthority.Issued SERVER;

        static {
            try {
                Path directory = Files.createTempDirectory("ca");
                AUTHORITY = new CertificateAuthority(directory, "ca");
                SERVER = AUTHORITY.issue("server", "localhost", "san=dns:localhost");
                // Programs that do not run as root read the authority's certificate.
                handOver(directory);
                Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(directory)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private final Path binaries;
    private final Path directory;
    private final int port;
    private final Map<String, String> settings;
    private final Map<Integer, Process> processes = new HashMap<>();
    private boolean templateReady;

    private DebianServer(Path binaries, Map<String, String> settings) {
        this.binaries = binaries;
        this.settings = settings;
        try {
            directory = Files.createTempDirectory("pg");
            port = FreePort.find();
            start();
        } catch (IOException e) {
            throw new UncheckedIOException("Debian's PostgreSQL does not start", e);
        }
        awaitAnswer(port);
        asSuperuser("postgres", "CREATE ROLE df_worker LOGIN PASSWORD 'df_worker!'");
    }

    /** The server of this JVM. Skips the test where Debian's package is not installed. */
    public static DebianServer get() {
        assumeInstalled();
        return Holder.SERVER.orElseThrow();
    }

    /**
     * A server of its own, for a test that breaks it or needs other settings. The caller closes it. Skips the test as {@link #get()}
     * does.
     *
     * @param settings of {@code postgresql.conf}, in quotes where they need them
     */
    public static DebianServer own(Map<String, String> settings) {
        assumeInstalled();
        return new DebianServer(Holder.BINARIES.orElseThrow(), settings);
    }

    /**
     * The same of other binaries, for the versions that Debian has no package of: default settings, SCRAM and TLS, though not JIT where
     * they were built without.
     *
     * @param binaries with initdb and postgres
     */
    static DebianServer of(Path binaries) {
        return new DebianServer(binaries, Map.of());
    }

    private static void assumeInstalled() {
        Assumptions.assumeTrue(
                Holder.BINARIES.isPresent(),
                "Debian's PostgreSQL is not installed: apt-get install --no-install-recommends postgresql-15");
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
        Path certificate = Files.copy(Certificates.SERVER.certificate(), directory.resolve("server.pem"));
        Path key = Files.copy(
                Certificates.SERVER.key(), directory.resolve("server.key"), StandardCopyOption.COPY_ATTRIBUTES);
        Path data = directory.resolve("data");
        if (isRoot()) {
            // The server refuses to run as root.
            call(List.of("chown", "-R", ORDINARY + ":", directory.toString()));
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
                "ssl = on\nssl_cert_file = '" + certificate + "'\nssl_key_file = '" + key
                        + "'\nunix_socket_directories = '" + directory + "'\n"
                        + settings.entrySet().stream()
                                .map(setting -> setting.getKey() + " = " + setting.getValue() + "\n")
                                .collect(Collectors.joining()));
        Files.writeString(
                data.resolve("postgresql.conf"),
                "include = '" + directory.resolve("settings") + "'\n",
                StandardOpenOption.APPEND);
        run(data, port);
        Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    }

    private void run(Path data, int onPort) throws IOException {
        processes.put(
                onPort,
                new ProcessBuilder(asServer("postgres", "-D", data.toString(), "-c", "port=" + onPort))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start());
    }

    private void awaitAnswer(int onPort) {
        Awaitility.await("the server at port " + onPort)
                .atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> {
                    execute(url(onPort, "postgres", SUPERUSER_PASSWORD, "postgres"), "SELECT 1");
                    return true;
                });
    }

    /**
     * Starts a standby of this server, which follows it and takes no writes.
     *
     * @return its port
     */
    public synchronized int standby() {
        try {
            int onPort = FreePort.find();
            Path data = directory.resolve("standby" + onPort);
            Path passwords =
                    Files.writeString(directory.resolve("pgpass"), "*:*:*:postgres:" + SUPERUSER_PASSWORD + "\n");
            Files.setPosixFilePermissions(passwords, PosixFilePermissions.fromString("rw-------"));
            handOver(passwords);
            call(asServer(
                    "pg_basebackup",
                    "--checkpoint=fast",
                    "--no-sync",
                    "--write-recovery-conf",
                    "--pgdata=" + data,
                    "--dbname=host=" + directory + " port=" + port + " user=postgres passfile=" + passwords));
            run(data, onPort);
            awaitAnswer(onPort);
            return onPort;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What administrators do to exchange primary and standby: the primary is shut down, when the standby has everything; the standby
     * is promoted; the former primary comes back as its standby.
     *
     * @param standby the port of the standby
     */
    public synchronized void switchTo(int standby) {
        try {
            // A fast shutdown: sessions are ended, and what was written is sent.
            end(port, "INT");
            execute(url(standby, "postgres", SUPERUSER_PASSWORD, "postgres"), "SELECT pg_promote()");
            Path data = directory.resolve("data");
            Files.writeString(
                    data.resolve("postgresql.auto.conf"),
                    "primary_conninfo = 'host=" + directory + " port=" + standby + " user=postgres passfile="
                            + directory.resolve("pgpass") + "'\n",
                    StandardOpenOption.APPEND);
            Files.createFile(data.resolve("standby.signal"));
            handOver(data.resolve("standby.signal"));
            run(data, port);
            awaitAnswer(port);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void end(int onPort, String signal) throws IOException {
        Process process = processes.remove(onPort);
        if (process == null) {
            throw new IllegalStateException("no server at port " + onPort);
        }
        call(List.of("kill", "-" + signal, Long.toString(process.pid())));
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            // A fast shutdown does not wait for sessions to end by themselves.
            for (int each : List.copyOf(processes.keySet())) {
                end(each, "INT");
            }
            remove(directory);
        } catch (IOException e) {
            directory.toFile().deleteOnExit();
        }
    }

    private static void remove(Path directory) {
        try {
            call(List.of("rm", "-rf", directory.toString()));
        } catch (IOException e) {
            directory.toFile().deleteOnExit();
        }
    }

    private List<String> asServer(String program, String... arguments) {
        List<String> command = new ArrayList<>(asOrdinaryUser());
        command.add(binaries.resolve(program).toString());
        command.addAll(List.of(arguments));
        return command;
    }

    /** Debian's package makes this user; without it there are other binaries only. */
    private static String ordinaryUser() {
        return run(List.of("id", "-u", "postgres")) ? "postgres" : "nobody";
    }

    private static String group() {
        return ORDINARY.equals("nobody") ? "nogroup" : ORDINARY;
    }

    private static boolean run(List<String> command) {
        try {
            call(command);
            return true;
        } catch (IOException e) {
            return false;
        }
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

    /** The port, on {@code localhost}. */
    public int port() {
        return port;
    }

    /** The directory of this server, where whoever runs it can read. */
    Path directory() {
        return directory;
    }

    /** A certificate for {@code localhost}, of the authority that the server's is of. */
    CertificateAuthority.Issued certificate(String file) {
        return Certificates.AUTHORITY.issue(file, "localhost", "san=dns:localhost");
    }

    /** The beginning of a command that runs as the server does, never as root. */
    static List<String> asOrdinaryUser() {
        return isRoot() ? List.of("setpriv", "--reuid=" + ORDINARY, "--regid=" + group(), "--clear-groups") : List.of();
    }

    /** Makes a file readable for what {@link #asOrdinaryUser} runs. */
    static void handOver(Path file) throws IOException {
        if (isRoot()) {
            call(List.of("chown", "-R", ORDINARY + ":", file.toString()));
        }
    }

    /** The authority that signed the server's certificate. */
    public Path certificate() {
        return Certificates.AUTHORITY.certificate();
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
        return url(List.of(otherPort), role, password, database);
    }

    /** The same with several servers, of which the primary is meant. */
    public DatabaseUrl url(List<Integer> ports, String role, @Nullable String password, String database) {
        String hosts = ports.stream().map(each -> "localhost:" + each).collect(Collectors.joining(","));
        return DatabaseUrl.checked("postgresql://" + hosts + "/?sslmode=verify-full&sslrootcert=" + certificate())
                .withUser(role, password)
                .withDatabase(database);
    }

    /** How the superuser reaches a database of this server, or of a standby. */
    public DatabaseUrl superuser(int onPort, String database) {
        return url(onPort, "postgres", SUPERUSER_PASSWORD, database);
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
    public synchronized String newDatabase() {
        String name = "d" + DATABASES.incrementAndGet();
        if (Holder.SERVER.orElse(null) != this) {
            // A server of a test's own has one database: a template would be a second one.
            create(name, "template1");
            Migration.migrate(worker(name));
            return name;
        }
        if (!templateReady) {
            create(TEMPLATE, "template1");
            Migration.migrate(worker(TEMPLATE));
            templateReady = true;
        }
        create(name, TEMPLATE);
        return name;
    }

    private void create(String name, String template) {
        asSuperuser("postgres", "CREATE DATABASE " + name + " TEMPLATE " + template);
        asSuperuser("postgres", "GRANT CREATE ON DATABASE " + name + " TO df_worker");
        asSuperuser(name, "GRANT CREATE ON SCHEMA public TO df_worker");
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
                            "PGSSLROOTCERT", certificate().toString()));
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

    /** What a statement answers first, as psql would run it; nothing where it answers no row. */
    public static String value(DatabaseUrl url, String sql) {
        try (Connection session = url.connect();
                Statement statement = session.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getString(1) : "";
        } catch (SQLException e) {
            throw new IllegalStateException("Failed as " + url.user() + ": " + sql, e);
        }
    }
}
