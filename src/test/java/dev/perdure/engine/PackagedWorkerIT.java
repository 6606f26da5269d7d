package dev.perdure.engine;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.not;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What was packaged, the application for the JVM or the native executable, does the work: it finds its migration files,
 * its build's name and the types of columns, which a native executable has only if it was told to keep them.
 */
@QuarkusIntegrationTest
@QuarkusTestResource(value = PackagedWorkerIT.EmptyDatabase.class, restrictToAnnotatedClass = true)
class PackagedWorkerIT {

    private static TestDatabase database;
    private static HttpService service;

    /** A database in which nobody has installed anything. */
    public static final class EmptyDatabase implements QuarkusTestResourceLifecycleManager {
        @Override
        public Map<String, String> start() {
            database = PostgresServer.get().newEmptyDatabase();
            service = new HttpService();
            return Map.of(
                    "perdure.database.url",
                    "postgresql://" + PostgresServer.OWNER + "@127.0.0.1:"
                            + PostgresServer.get().port() + "/" + database.name(),
                    "perdure.http.allow",
                    "localhost:" + service.port(),
                    "perdure.secrets.directory",
                    secrets().toString());
        }

        private static Path secrets() {
            try {
                return Files.writeString(Files.createTempDirectory("packaged").resolve("token"), "s3cr3t")
                        .getParent();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void stop() {
            service.close();
        }
    }

    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        Awaitility.await("the leader")
                .atMost(Duration.ofSeconds(60))
                .until(() -> given().get("/q/health/group/leader").statusCode() == 200);
        app = Submitter.of(database, "packaged_app");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    @Test
    void the_schema_is_installed_and_says_which_build_it_is() throws SQLException {
        given().get("/q/health/ready").then().statusCode(200).body("status", equalTo("UP"));
        given().get("/q/health/started").then().statusCode(200);
        assertThat(app.value("SELECT df.version()")).matches("perdure \\d+\\.\\d+\\.\\d+ \\(built \\d{4}-.*Z\\)");
        assertThat(database.value(
                        PostgresServer.OWNER,
                        "SELECT count(*) > 1 AND bool_and(success) FROM df.flyway_schema_history"))
                .isEqualTo("t");
    }

    @Test
    void a_result_keeps_the_types_of_its_columns() throws SQLException {
        String id = app.run("'SELECT 7::int2 AS i, 1.50 AS n, true AS b, ARRAY[1, 2] AS a, ''x'' AS t, NULL::date AS d,"
                        + " ''{\"k\": [1]}''::jsonb AS j, ''1 day''::interval AS v, point(1, 2) AS p' |=> 'first'"
                        + " ~> 'SELECT pg_typeof(i) || '','' || pg_typeof(n) || '','' || pg_typeof(b) || '','' ||"
                        + " pg_typeof(a) || '','' || pg_typeof(d) || '','' || pg_typeof(v) AS types FROM $first.*'")
                .id();
        assertThat(app.result(id).at("/rows/0/types").asText())
                .isEqualTo("smallint,numeric,boolean,integer[],date,interval");
        assertThat(app.node(id, "SELECT 7", "result"))
                .isEqualTo(
                        "{\"rows\": [{\"a\": [1, 2], \"b\": true, \"d\": null, \"i\": 7, \"j\": {\"k\": [1]}, \"n\": \"1.50\","
                                + " \"p\": \"(1,2)\", \"t\": \"x\", \"v\": \"1 day\"}], \"row_count\": 1}");
    }

    @Test
    void branches_loops_sleeps_and_failures_work() throws SQLException {
        assertThat(app.run("('SELECT 1' & 'SELECT 2') ~> df.sleep(1) ~> 'SELECT 3 AS n'")
                        .status())
                .isEqualTo("completed");
        Submitter.Ended failed = app.run("'SELECT 1/0'");
        assertThat(failed.status()).isEqualTo("failed");
        assertThat(failed.output()).contains("division by zero");
    }

    @Test
    void requests_with_secrets_and_parts_are_sent_and_their_answers_go_on() throws SQLException {
        database.execute(
                PostgresServer.OWNER,
                "SELECT df.grant_usage('packaged_app', include_http => true), df.grant_secret('token', 'packaged_app')");
        service.on("/item", 200, "application/json", "{\"price\": 12}");

        Submitter.Ended ended = app.run("df.http('" + service.url("/item") + "', 'PUT', '{\"id\": 7}',"
                + " jsonb_build_object('Authorization', 'Bearer ' || df.secret('token'))) |=> 'answer'"
                + " ~> df.http_multipart('" + service.url("/upload")
                + "', parts => '[{\"name\": \"kind\", \"data_b64\": \"cmVwb3J0\"}]')"
                + " ~> 'SELECT ($answer.body)::json ->> ''price'' AS price, $answer.status AS status'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.result(ended.id()).at("/rows/0").toString()).isEqualTo("{\"price\":\"12\",\"status\":200}");
        assertThat(service.received("/item").get(0).headers()).containsEntry("authorization", "Bearer s3cr3t");
        assertThat(service.received("/upload").get(0).body()).contains("report");
        assertThat(app.run("df.http('http://localhost:1/')").output()).contains("perdure.http.allow");
    }

    @Test
    void signals_retries_races_and_times_of_other_zones_work() throws SQLException {
        String waiting = app.start("df.wait_for_signal('go') |=> 'go' ~> 'SELECT $go AS go'");
        app.awaitValue("running", "SELECT status FROM df.instances WHERE id = ?", waiting);
        app.execute("SELECT df.signal('" + waiting + "', 'go', '{\"by\": \"ada\"}')");
        assertThat(app.await(waiting).status()).isEqualTo("completed");
        assertThat(app.result(waiting).toString()).contains("ada");

        Submitter.Ended retried = app.run("df.retry('SELECT 1/0', 2, '50 ms')");
        assertThat(retried.status()).isEqualTo("failed");
        assertThat(app.run("df.if('SELECT true', 'SELECT 1', 'SELECT 2')").status())
                .isEqualTo("completed");

        String scheduled = app.start("df.wait_for_schedule('0 8 * * mon-fri', 'Pacific/Auckland')");
        app.awaitValue("running", "SELECT status FROM df.instances WHERE id = ?", scheduled);
        app.execute("SELECT df.cancel('" + scheduled + "')");
        assertThat(app.await(scheduled).status()).isEqualTo("cancelled");
    }

    @Test
    void what_people_watch_it_by_is_there() {
        given().get("/q/metrics").then().statusCode(200).body(containsString("perdure_"));
        given().get("/q/health")
                .then()
                .statusCode(200)
                .body("checks.name", hasItem("database"))
                .body(not(containsString(PostgresServer.OWNER)))
                .body(not(containsString(database.name())))
                .body(not(containsString("epoch")));
        given().get("/q/health/live").then().statusCode(200);
        given().get("/nothing").then().statusCode(404);
    }
}
