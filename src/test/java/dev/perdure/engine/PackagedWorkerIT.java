package dev.perdure.engine;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusIntegrationTest;
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

    /** A database in which nobody has installed anything. */
    public static final class EmptyDatabase implements QuarkusTestResourceLifecycleManager {
        @Override
        public Map<String, String> start() {
            database = PostgresServer.get().newEmptyDatabase();
            return Map.of(
                    "perdure.database.url",
                    "postgresql://" + PostgresServer.OWNER + "@127.0.0.1:"
                            + PostgresServer.get().port() + "/" + database.name());
        }

        @Override
        public void stop() {}
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
}
