package dev.perdure.embedded;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** The roles and the database of the embedded server. Each statement may find that its work is done. */
final class FirstRun {

    private static final String CREATE_ROLES =
            """
            DO $$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'df_worker') THEN
                CREATE ROLE df_worker LOGIN;
              END IF;
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'app') THEN
                CREATE ROLE app LOGIN;
              END IF;
            END $$
            """;

    /** The operators go to public, tables of people to a schema of their own, which is first in their search path. */
    private static final String GRANT =
            """
            GRANT CREATE ON DATABASE app TO df_worker;
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            GRANT USAGE, CREATE ON SCHEMA public TO df_worker;
            CREATE SCHEMA IF NOT EXISTS app AUTHORIZATION app;
            """;

    private FirstRun() {}

    static void prepare(EmbeddedServer server) {
        try {
            execute(server, "postgres", CREATE_ROLES);
            createDatabase(server);
            execute(server, EmbeddedServer.DATABASE, GRANT);
        } catch (SQLException e) {
            throw new EmbeddedServerException("Cannot prepare the embedded PostgreSQL: " + e.getMessage(), e);
        }
    }

    private static void createDatabase(EmbeddedServer server) throws SQLException {
        try {
            execute(server, "postgres", "CREATE DATABASE app");
        } catch (SQLException e) {
            if (!"42P04".equals(e.getSQLState())) { // duplicate_database
                throw e;
            }
        }
    }

    private static void execute(EmbeddedServer server, String database, String sql) throws SQLException {
        try (Connection connection = server.url("postgres", database).connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
