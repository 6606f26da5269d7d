package dev.perdure.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import dev.perdure.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedServerTest {

    // Not cleaned up: the server is stopped by the hook at the end of the JVM.
    @TempDir(cleanup = CleanupMode.NEVER)
    static Path directory;

    private static EmbeddedServer server;

    @BeforeAll
    static void start() {
        server = EmbeddedServer.start(directory.resolve("postgres"), 15_999);
    }

    @AfterAll
    static void end() {
        StopAtExit.applicationEnded();
    }

    @Test
    void it_is_as_durable_as_an_installed_server() throws SQLException {
        assertThat(value(server.peopleUrl(), "SHOW fsync")).isEqualTo("on");
        assertThat(value(server.peopleUrl(), "SHOW synchronous_commit")).isEqualTo("on");
        assertThat(value(server.peopleUrl(), "SHOW full_page_writes")).isEqualTo("on");
    }

    @Test
    void it_listens_on_the_loopback_address_only() throws SQLException {
        assertThat(value(server.peopleUrl(), "SHOW listen_addresses")).isEqualTo("127.0.0.1");
        assertThat(value(server.url("postgres", "app"), "SHOW unix_socket_directories"))
                .isEmpty();
    }

    @Test
    void its_roles_are_no_superusers_and_people_have_a_schema_of_their_own() throws SQLException {
        assertThat(value(
                        server.peopleUrl(),
                        "SELECT bool_or(rolsuper) FROM pg_roles WHERE rolname IN ('app', 'df_worker')"))
                .isEqualTo("f");
        assertThat(value(server.peopleUrl(), "SELECT current_schema")).isEqualTo("app");
        assertThat(value(server.peopleUrl(), "SELECT has_schema_privilege('public', 'CREATE')"))
                .isEqualTo("f");
    }

    @Test
    void the_worker_can_migrate_it() {
        Migration.migrate(server.workerUrl());

        assertThat(Migration.migrate(server.workerUrl())).isZero();
    }

    @Test
    void a_second_start_adopts_the_running_server() throws SQLException {
        String before = value(server.peopleUrl(), "SELECT pg_postmaster_start_time()");

        EmbeddedServer again = EmbeddedServer.start(directory.resolve("postgres"), 1);

        assertThat(again.peopleUrl()).isEqualTo(server.peopleUrl());
        assertThat(value(again.peopleUrl(), "SELECT pg_postmaster_start_time()"))
                .isEqualTo(before);
    }

    @Test
    void people_find_it_by_its_directory() {
        assertThat(EmbeddedServer.find(directory.resolve("postgres"))).contains(server.peopleUrl());
        assertThat(EmbeddedServer.find(directory.resolve("elsewhere"))).isEmpty();
    }

    @Test
    void a_file_that_is_being_written_is_not_believed() {
        assertThat(PostmasterFile.parse(List.of("12", "/data"))).isEmpty();
        assertThat(PostmasterFile.parse(List.of("12", "/data", "1", "5433", "", "", "", "starting")))
                .contains(new PostmasterFile(12, 5433, false));
    }

    private static String value(DatabaseUrl url, String sql) throws SQLException {
        try (Connection connection = url.connect()) {
            return String.valueOf(TestDatabase.rows(connection, sql).get(0).get(0));
        }
    }
}
