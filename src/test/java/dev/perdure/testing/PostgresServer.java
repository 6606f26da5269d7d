package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A PostgreSQL for tests, one for each JVM, started by the first test that asks and stopped at the end. Its version is
 * the Maven property {@code postgres.version}. A container where a Docker engine answers, else an embedded server. All roles log in without a password. It does not survive a crash
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

    private final PostgresContainer.Address address;
    private boolean templateReady;

    private PostgresServer() {
        address = PostgresContainer.start().orElseGet(PostgresServer::embedded);
        asSuperuser("postgres", "CREATE ROLE " + OWNER + " LOGIN");
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
                "DO $$ BEGIN EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN', '" + literal + "');"
                        + " EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        return name;
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
