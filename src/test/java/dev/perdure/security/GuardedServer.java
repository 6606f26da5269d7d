package dev.perdure.security;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.Submitter;
import dev.perdure.schema.Migration;
import dev.perdure.testing.CertificateAuthority;
import dev.perdure.testing.TestDatabase;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import org.awaitility.Awaitility;

/**
 * A server whose {@code pg_hba.conf} and {@code pg_ident.conf} hold the lines of docs/security.md and nothing else, besides
 * one for the superuser. It has a database {@code app}, the roles {@code df_worker} and {@code app}, the group {@code
 * df_users}, TLS with a certificate for {@code localhost}, and a unix socket.
 */
final class GuardedServer implements AutoCloseable {

    private final EmbeddedPostgres postgres;
    private final Path directory;
    private final CertificateAuthority authority;
    private final CertificateAuthority.Issued worker;

    /**
     * Starts one.
     *
     * @param directory a short path: that of a socket has at most 107 bytes
     */
    GuardedServer(Path directory) throws IOException, SQLException {
        this.directory = directory;
        authority = new CertificateAuthority(directory, "ca");
        worker = authority.issue("worker", "df_worker");
        CertificateAuthority.Issued server = authority.issue("server", "localhost", "san=dns:localhost");
        postgres = EmbeddedPostgres.builder()
                .setServerConfig("unix_socket_directories", directory.toString())
                .setServerConfig("ssl", "on")
                .setServerConfig("ssl_cert_file", server.certificate().toString())
                .setServerConfig("ssl_key_file", server.key().toString())
                .setServerConfig("ssl_ca_file", authority.certificate().toString())
                .start();
        asSuperuser(
                "postgres",
                "CREATE DATABASE app",
                "CREATE ROLE df_worker LOGIN PASSWORD 'worker''s own'",
                "CREATE ROLE df_users NOLOGIN");
        createSubmitter("app");
        asSuperuser("postgres", "GRANT CREATE ON DATABASE app TO df_worker");
        asSuperuser("app", "GRANT CREATE ON SCHEMA public TO df_worker");
    }

    /** A role in the group {@code df_users}, with its own name and an exclamation mark as password. */
    void createSubmitter(String role) throws SQLException {
        asSuperuser(
                "postgres",
                "CREATE ROLE " + quoted(role) + " LOGIN PASSWORD '" + role.replace("'", "''") + "!'",
                "GRANT df_users TO " + quoted(role));
    }

    static String quoted(String role) {
        return '"' + role.replace("\"", "\"\"") + '"';
    }

    /** Writes the two files and waits until the server has read them. */
    void guard(String hba, String ident) throws IOException, SQLException {
        Path hbaFile = Path.of(Objects.requireNonNull(setting("hba_file")));
        Path identFile = Path.of(Objects.requireNonNull(setting("ident_file")));
        // The worker of the page has an address of its own; people come from others, and have passwords.
        String lines = hba.replace("10.0.7.21/32", "127.0.0.1/32");
        Files.writeString(
                hbaFile,
                "host all postgres 127.0.0.1/32 trust\n" + lines
                        + "\nhostssl app +df_users 127.0.0.7/32 scram-sha-256\n");
        Files.writeString(identFile, ident);
        asSuperuser("postgres", "SELECT pg_reload_conf()");
        Awaitility.await("the server's reload")
                .until(() -> value("SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL")
                        .equals("0"));
        // The postmaster reads the files for sessions that begin after it did: one that must be refused tells.
        Awaitility.await("nobody is let in without a line")
                .atMost(java.time.Duration.ofSeconds(60))
                .until(() -> {
                    try {
                        superuser().withUser("stranger", null).connect().close();
                        return false;
                    } catch (SQLException e) {
                        return String.valueOf(e.getMessage()).contains("no pg_hba.conf entry");
                    }
                });
    }

    /** The documented lines for {@code pg_ident.conf} of this server's version. */
    String ident(String way) throws SQLException {
        return DocumentedLines.of("pg_ident " + way + (version() >= 16 ? " 16" : " 14"));
    }

    int version() throws SQLException {
        return Integer.parseInt(Objects.requireNonNull(setting("server_version_num"))) / 10_000;
    }

    DatabaseUrl superuser() {
        return DatabaseUrl.parse("postgresql://postgres@127.0.0.1:" + postgres.getPort() + "/app");
    }

    DatabaseUrl tcp() {
        return superuser().withUser("df_worker", null);
    }

    /** The worker's URL over TLS, the server's certificate verified. */
    DatabaseUrl tls(String host) {
        return DatabaseUrl.checked("postgresql://df_worker@" + host + ":" + postgres.getPort()
                + "/app?sslmode=verify-full&sslrootcert=" + authority.certificate());
    }

    /** The same with the worker's client certificate. */
    DatabaseUrl certificate() {
        return tls("localhost")
                .withParameter("sslcert", worker.certificate().toString())
                .withParameter("sslkey", worker.key().toString());
    }

    DatabaseUrl socket() {
        return DatabaseUrl.checked("postgresql://df_worker@/app?host=" + directory + "&port=" + postgres.getPort());
    }

    /** The name that this process has in the eyes of the server, which the root user starts in a user namespace. */
    String operatingSystemUser() throws IOException {
        Process id =
                new ProcessBuilder("sh", "-c", "if [ $(id -u) = 0 ]; then unshare -U id -un; else id -un; fi").start();
        return new String(id.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    /** Installs df as the worker, by the way that is tried. */
    void install(DatabaseUrl workerUrl) throws SQLException {
        Migration.migrate(workerUrl);
        execute(workerUrl, "SELECT df.grant_usage('df_users')");
    }

    Submitter submitter(DatabaseUrl url) throws SQLException {
        return Submitter.at(url);
    }

    void asSuperuser(String database, String... statements) throws SQLException {
        for (String sql : statements) {
            execute(superuser().withUser("postgres", null).withDatabase(database), sql);
        }
    }

    String value(String sql) throws SQLException {
        try (Connection session = superuser().connect()) {
            return String.valueOf(TestDatabase.rows(session, sql).get(0).get(0));
        }
    }

    private String setting(String name) throws SQLException {
        return value("SHOW " + name);
    }

    private static void execute(DatabaseUrl url, String sql) throws SQLException {
        try (Connection session = url.connect();
                Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() throws IOException {
        postgres.close();
    }
}
