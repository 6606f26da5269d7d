package dev.perdure.attacks.stage;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;

/** A database on a PostgreSQL as people have it, or on the embedded one where that is not installed. */
public interface AttackedServer {

    /** Which one it is. */
    String description();

    /** How a role reaches the database. */
    DatabaseUrl url(String role);

    /** A role that may log in and make tables, and use {@code df} when it is to. */
    void createRole(String role, boolean isSubmitter) throws SQLException;

    /** Executes statements as the superuser. */
    void asSuperuser(String sql);

    /** The password that a role has. */
    static String password(String role) {
        return DebianServer.password(role);
    }

    /** A new database with schema {@code df}. */
    static AttackedServer create() {
        return DebianServer.find().<AttackedServer>map(OnDebian::new).orElseGet(Embedded::new);
    }

    /** The package's server with its default settings, passwords and TLS. */
    final class OnDebian implements AttackedServer {

        private final DebianServer server;
        private final String database;

        OnDebian(DebianServer server) {
            this.server = server;
            this.database = server.newDatabase();
        }

        @Override
        public String description() {
            return "Debian's PostgreSQL, default settings";
        }

        @Override
        public DatabaseUrl url(String role) {
            return server.url(role, password(role), database);
        }

        @Override
        public void createRole(String role, boolean isSubmitter) {
            asSuperuser("DO $$ BEGIN CREATE ROLE " + role + " LOGIN PASSWORD '" + password(role)
                    + "'; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
            asSuperuser("GRANT USAGE, CREATE ON SCHEMA public TO " + role);
            if (isSubmitter) {
                DebianServer.execute(server.worker(database), "SELECT df.grant_usage('" + role + "', true)");
            }
        }

        @Override
        public void asSuperuser(String sql) {
            server.asSuperuser(database, sql);
        }
    }

    /** The embedded server of the tests. */
    final class Embedded implements AttackedServer {

        private final TestDatabase database = PostgresServer.get().newDatabase();

        @Override
        public String description() {
            return "the embedded PostgreSQL (Debian's is not installed)";
        }

        @Override
        public DatabaseUrl url(String role) {
            return database.url(role);
        }

        @Override
        public void createRole(String role, boolean isSubmitter) throws SQLException {
            database.createRole(role);
            if (isSubmitter) {
                database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('" + role + "', true)");
            }
        }

        @Override
        public void asSuperuser(String sql) {
            database.asSuperuser(sql);
        }
    }
}
