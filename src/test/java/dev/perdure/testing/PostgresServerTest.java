package dev.perdure.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** The tests run on the PostgreSQL that was asked for. */
class PostgresServerTest {

    @Test
    void the_server_has_the_major_version_that_the_build_selects() throws SQLException {
        String selected = System.getProperty("postgres.binaries.version");

        String found = PostgresServer.get().newEmptyDatabase().value("postgres", "SHOW server_version");

        assertThat(found).startsWith(selected.substring(0, selected.indexOf('.')) + ".");
    }
}
