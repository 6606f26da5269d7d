package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Secrets are put in by the worker, for roles that may, and are found nowhere else. */
class SecretsTest {

    private static final String VALUE = "s3cr3t-VALUE-$1\\";

    @TempDir
    static Path directory;

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static HttpService service;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException, IOException {
        Files.writeString(directory.resolve("token"), VALUE + "\n");
        Files.createDirectory(directory.resolve("api"));
        Files.writeString(directory.resolve("api").resolve("key"), "key-1");
        Files.writeString(directory.resolve("broken"), "two\nlines");
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        worker = InProcessWorker.start(
                database,
                Map.of(
                        "perdure.http.allow",
                        "localhost:" + service.port(),
                        "perdure.secrets.directory",
                        directory.toString()));
        app = Submitter.of(database, "secrets_app");
        owner("SELECT df.grant_usage('secrets_app', include_http => true)");
        owner("SELECT df.grant_secret('token', 'secrets_app')");
        owner("SELECT df.grant_secret('broken', 'secrets_app')");
        owner("SELECT df.grant_secret('absent', 'secrets_app')");
        service.on("/", 200, "text/plain", "fine");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
        service.close();
    }

    private static void owner(String sql) throws SQLException {
        database.execute(PostgresServer.OWNER, sql);
    }

    private static String call(String path, String secret) {
        return "df.http('" + service.url(path) + "', body => '{\"token\": \"' || df.secret('" + secret + "') || '\"}',"
                + " headers => jsonb_build_object('Authorization', 'Bearer ' || df.secret('" + secret + "')))";
    }

    @Test
    void the_value_is_sent_and_stands_nowhere_in_the_database() throws SQLException {
        service.on("/sent", 500, "text/plain", "no echo here");

        var ended = app.run(call("/sent", "token"));

        var received = service.received("/sent").get(0);
        assertThat(received.header("authorization")).isEqualTo("Bearer " + VALUE);
        assertThat(received.body()).isEqualTo("{\"token\": \"" + VALUE + "\"}");
        assertThat(ended.status()).isEqualTo("failed");
        for (String table : new String[] {"nodes", "instances", "executions", "vars", "secret_grants"}) {
            assertThat(database.value(
                            PostgresServer.OWNER,
                            "SELECT count(*) FROM df." + table + " t WHERE t::text LIKE '%s3cr3t%'"))
                    .as(table)
                    .isEqualTo("0");
        }
        assertThat(app.value("SELECT executed_query FROM df.nodes WHERE instance_id = ?", ended.id()))
                .contains("Bearer {{secret:token}}");
    }

    @Test
    void a_role_without_the_grant_is_refused_and_nothing_is_sent() throws SQLException {
        var ended = app.run(call("/refused", "api/key"));

        assertThat(ended.output())
                .isEqualTo(
                        "Blocked: role 'secrets_app' may not use the secret 'api/key'. An administrator can allow it:"
                                + " SELECT df.grant_secret('api/key', 'secrets_app')");
        assertThat(service.received("/refused")).isEmpty();
    }

    @Test
    void members_of_a_role_have_its_secrets_until_they_are_taken_back() throws SQLException {
        database.createRole("secrets_group");
        database.asSuperuser("GRANT secrets_group TO secrets_app");
        owner("SELECT df.grant_secret('api/key', 'secrets_group')");
        try {
            assertThat(app.run(call("/member", "api/key")).status()).isEqualTo("completed");
        } finally {
            owner("SELECT df.revoke_secret('api/key', 'secrets_group')");
        }
        assertThat(service.received("/member").get(0).header("authorization")).isEqualTo("Bearer key-1");
        assertThat(app.run(call("/member", "api/key")).output()).contains("may not use the secret 'api/key'");
    }

    @Test
    void what_a_service_answers_cannot_have_a_secret_sent() throws SQLException {
        service.on("/evil", 200, "text/plain", "{{secret:token}}");

        var ended = app.run("df.http('" + service.url("/evil") + "') |=> 'evil' ~> df.http('" + service.url("/next")
                + "', body => '$evil.body', headers => '{\"X\": \"$evil.body\"}')");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(service.received("/next").get(0).body()).isEqualTo("{{secret:token}}");
        assertThat(service.received("/next").get(0).header("x")).isEqualTo("{{secret:token}}");
    }

    @Test
    void a_secret_that_is_missing_or_cannot_be_sent_fails_without_showing_it() throws SQLException {
        assertThat(app.run(call("/absent", "absent")).output())
                .isEqualTo(
                        "Secret 'absent' is not available: there is no such file in the worker's directory of secrets");
        assertThat(app.run(call("/absent", "broken")).output())
                .contains("the value of header 'Authorization' contains a line break")
                .doesNotContain("two");
        assertThat(service.received("/absent")).isEmpty();
    }

    @Test
    void a_secret_that_has_changed_takes_effect_with_the_next_request() throws SQLException, IOException {
        owner("SELECT df.grant_secret('rotated', 'PUBLIC')");
        for (String value : new String[] {"first", "second"}) {
            Files.writeString(directory.resolve("rotated"), value);
            app.run(call("/rotated-" + value, "rotated"));
            assertThat(service.received("/rotated-" + value).get(0).header("authorization"))
                    .isEqualTo("Bearer " + value);
        }
    }

    @Test
    void only_the_owner_grants_and_names_are_checked() {
        assertThatThrownBy(() -> app.value("SELECT df.grant_secret('token', 'secrets_app')"))
                .hasMessageContaining("permission denied for function grant_secret");
        assertThatThrownBy(() -> app.execute("INSERT INTO df.secret_grants (name, role) VALUES ('x', 0)"))
                .hasMessageContaining("permission denied for table secret_grants");
        assertThatThrownBy(() -> app.value("SELECT df.secret('../etc/passwd')"))
                .hasMessageContaining("Invalid secret name '../etc/passwd'");
        assertThatThrownBy(() -> owner("SELECT df.grant_secret('x', 'nobody_of_this_name')"))
                .hasMessageContaining("nobody_of_this_name");
    }
}
