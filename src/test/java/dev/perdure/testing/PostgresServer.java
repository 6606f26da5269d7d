package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import dev.perdure.session.PasswordFiles;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL for tests, one for each JVM, started by the first test that asks and stopped at the end. Its version is
 * the Maven property {@code postgres.version}. A container where a Docker engine answers, else an embedded server. All roles log in without a password. With {@code -Dperdure.test.server=debian} it is a {@link DebianServer}, with
 * default settings, passwords and TLS; with {@code defaults} the same of the embedded server's binaries, for versions that Debian has not. It does not survive a crash
 * of the machine (no fsync).
 */
public final class PostgresServer {

    /** The owner of the schema {@code df} in every database here: no superuser. */
    public static final String OWNER = "df_worker";

    private static final String TEMPLATE = "migrated_template";
    private static final AtomicInteger DATABASES = new AtomicInteger();

    private static final class Holder {
        static final PostgresServer SERVER = new PostgresServer();
    }

    /** These tests run on a server as people have it. */
    private static final String ORDINARY = System.getProperty("perdure.test.server", "");

    private final PostgresContainer.Address address;
    private final @Nullable DebianServer ordinary;
    private final Path passwords;
    private boolean templateReady;

    private PostgresServer() {
        ordinary = ordinary();
        address = ordinary != null
                ? new PostgresContainer.Address("localhost", ordinary.port())
                : PostgresContainer.start().orElseGet(PostgresServer::embedded);
        try {
            passwords = Files.createTempDirectory("passwords");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (ordinary == null) {
            asSuperuser("postgres", "CREATE ROLE " + OWNER + " LOGIN");
        }
    }

    private static @Nullable DebianServer ordinary() {
        return switch (ORDINARY) {
            case "" -> null;
            case "debian" -> DebianServer.own(Map.of());
            case "defaults" -> DebianServer.of(embeddedBinaries());
            default -> throw new IllegalArgumentException("perdure.test.server is debian or defaults, not " + ORDINARY);
        };
    }

    /** Where they were unpacked; a server of them says it. */
    private static Path embeddedBinaries() {
        try (EmbeddedPostgres unpacked = EmbeddedPostgres.start();
                Connection superuser = unpacked.getPostgresDatabase().getConnection()) {
            return Path.of(
                    String.valueOf(TestDatabase.rows(superuser, "SELECT setting FROM pg_config WHERE name = 'BINDIR'")
                            .get(0)
                            .get(0)));
        } catch (IOException | SQLException e) {
            throw new IllegalStateException("The embedded server's binaries are not to be had", e);
        }
    }

    private static PostgresContainer.Address embedded() {
        try {
            int port = EmbeddedPostgres.builder()
                    .setServerConfig("max_connections", "300")
                    .start()
                    .getPort();
            return new PostgresContainer.Address("127.0.0.1", port);
        } catch (IOException e) {
            throw new UncheckedIOException("The PostgreSQL for the tests does not start", e);
        }
    }

    /** The server of this JVM. */
    public static PostgresServer get() {
        return Holder.SERVER;
    }

    /** The host that it is reached at. */
    public String host() {
        return address.host();
    }

    /** The port. */
    public int port() {
        return address.port();
    }

    /** A new database in which {@link #OWNER} has just installed the schema {@code df}. */
    public synchronized TestDatabase newDatabase() {
        if (!templateReady) {
            Migration.migrate(create(TEMPLATE, "template0").url());
            templateReady = true;
        }
        return create(nextName(), TEMPLATE);
    }

    /** A new database without the schema {@code df}; {@link #OWNER} may create it. */
    public TestDatabase newEmptyDatabase() {
        return create(nextName(), "template0");
    }

    /**
     * Creates a role that may log in, unless it exists. Roles belong to the whole server: tests that run one after another
     * see the roles of each other.
     *
     * @return the name
     */
    public String createRole(String name) {
        String literal = name.replace("'", "''");
        asSuperuser(
                "postgres",
                "DO $create$ BEGIN EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN PASSWORD %L', '" + literal + "', '"
                        + DebianServer.password(literal)
                        + "'); EXCEPTION WHEN duplicate_object THEN NULL; END $create$");
        if (ordinary != null) {
            try {
                Files.writeString(passwords.resolve(PasswordFiles.fileName(name)), DebianServer.password(name));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return name;
    }

    /** What a worker needs to log in as the roles of a server of the tests, where that is this one. */
    public static Map<String, String> loginsOf(DatabaseUrl url) {
        if (ORDINARY.isEmpty() || url.hosts().get(0).port() != get().port()) {
            return Map.of();
        }
        return Map.of("perdure.login.passwords-directory", get().passwords.toString());
    }

    /** Executes statements as the superuser {@code postgres}. */
    public void asSuperuser(String database, String sql) {
        try (Connection connection = url("postgres", database).connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("Failed as superuser in " + database + ": " + sql, e);
        }
    }

    /** How a role reaches a database of this server. */
    public DatabaseUrl url(String role, String database) {
        if (ordinary != null) {
            return role.equals("postgres")
                    ? ordinary.superuser(ordinary.port(), database)
                    : ordinary.url(role, DebianServer.password(role), database);
        }
        return DatabaseUrl.parse("postgresql://" + host() + ":" + port() + "/")
                .withUser(role, null)
                .withDatabase(database);
    }

    private TestDatabase create(String name, String template) {
        asSuperuser("postgres", "CREATE DATABASE " + name + " TEMPLATE " + template);
        asSuperuser("postgres", "GRANT CREATE ON DATABASE " + name + " TO " + OWNER);
        // The operators go to public, which only PostgreSQL 14 lets everybody write.
        asSuperuser(name, "GRANT CREATE ON SCHEMA public TO " + OWNER);
        return new TestDatabase(this, name);
    }

    private static String nextName() {
        return "t" + DATABASES.incrementAndGet();
    }
}
