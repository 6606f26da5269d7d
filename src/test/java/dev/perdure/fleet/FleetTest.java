package dev.perdure.fleet;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.Submitter;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TcpGate;
import dev.perdure.testing.TestDatabase;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One process with databases that work and databases that are broken in several ways. */
@QuarkusTest
@TestProfile(FleetTest.Several.class)
@QuarkusTestResource(value = FleetTest.Servers.class, restrictToAnnotatedClass = true)
class FleetTest {

    private static TestDatabase first;
    private static TestDatabase second;
    private static TestDatabase gated;
    private static TestDatabase newer;
    private static TestDatabase copied;
    private static TcpGate gate;

    /** A profile of its own. */
    public static final class Several implements QuarkusTestProfile {}

    /** The databases. */
    public static final class Servers implements QuarkusTestResourceLifecycleManager {

        @Override
        public Map<String, String> start() {
            PostgresServer server = PostgresServer.get();
            first = server.newDatabase();
            second = server.newEmptyDatabase();
            gated = server.newDatabase();
            newer = server.newDatabase();
            copied = server.newDatabase();
            newer.asSuperuser(
                    "INSERT INTO df.flyway_schema_history (installed_rank, version, description, type, script,"
                            + " checksum, installed_by, execution_time, success)"
                            + " SELECT max(installed_rank) + 1, '9999', 'newer', 'SQL', 'V9999__newer.sql', 1, 'df_worker', 1, true"
                            + " FROM df.flyway_schema_history");
            copied.asSuperuser("UPDATE df._epoch SET system_identifier = '1', database_oid = 1");
            gate = new TcpGate(server.port());
            gate.open();
            server.asSuperuser("postgres", "DROP ROLE IF EXISTS fleet_refused");
            server.asSuperuser("postgres", "CREATE ROLE fleet_refused NOLOGIN");
            Map<String, String> settings = new LinkedHashMap<>(PostgresServer.loginsOf(first.url()));
            settings.put("perdure.database.url", first.url().toUri());
            settings.put("perdure.databases.second.url", second.url().toUri());
            settings.put("perdure.databases.second.step.max-concurrent", "7");
            settings.put(
                    "perdure.databases.gated.url",
                    gated.url()
                            .withHost(new DatabaseUrl.Host("127.0.0.1", gate.port()))
                            .toUri());
            settings.put("perdure.databases.newer.url", newer.url().toUri());
            settings.put("perdure.databases.copied.url", copied.url().toUri());
            settings.put("perdure.databases.away.url", "postgresql://df_worker@127.0.0.1:1/app");
            settings.put(
                    "perdure.databases.refused.url",
                    server.url("fleet_refused", first.name()).toUri());
            settings.put("perdure.databases.wrong.url", "postgresql://df_worker@localhost/app?sslmode=perhaps");
            settings.put("perdure.databases.zz-again.url", second.url().toUri().replace("127.0.0.1", "localhost"));
            settings.put("perdure.metrics-interval", "1s");
            return settings;
        }

        @Override
        public void stop() {
            gate.close();
        }
    }

    @BeforeEach
    void leads() {
        awaitRole("default", "LEADER");
        awaitRole("second", "LEADER");
        awaitRole("gated", "LEADER");
    }

    private static void awaitRole(String database, String role) {
        await("role of " + database).atMost(Duration.ofSeconds(30)).untilAsserted(() -> given().get(
                        "/q/health/group/leader")
                .then()
                .body("checks[0].data.'" + database + "'", startsWith(role)));
    }

    private static String data(String check, String database) {
        return given().get("/q/health").path("checks.find { it.name == '" + check + "' }.data.'" + database + "'");
    }

    private static void runs(TestDatabase database) throws SQLException {
        try (Submitter app = Submitter.of(database, "fleet_app")) {
            assertThat(app.run("'SELECT 1 AS one' |=> 'first' ~> 'SELECT $first + 1'")
                            .status())
                    .isEqualTo("completed");
        }
    }

    @Test
    void workflows_of_each_database_run_and_know_nothing_of_the_others() throws SQLException {
        runs(first);
        runs(second);
        runs(gated);

        assertThat(first.value("postgres", "SELECT count(*) FROM df.instances")).isEqualTo("1");
        assertThat(second.value("postgres", "SELECT count(*) FROM df.instances"))
                .isEqualTo("1");
    }

    @Test
    void broken_databases_leave_the_process_ready_and_say_why() {
        given().get("/q/health/ready").then().statusCode(200);
        given().get("/q/health/started").then().statusCode(200);
        given().get("/q/health/live").then().statusCode(200);
        await().untilAsserted(() -> {
            assertThat(data("database", "second")).isEqualTo("ready: answers");
            assertThat(data("database", "away")).startsWith("starting: ").contains("refused");
            assertThat(data("database", "refused")).startsWith("starting: ").contains("not permitted to log in");
            assertThat(data("database", "wrong")).startsWith("refused: ").contains("sslmode");
            assertThat(data("election", "copied")).startsWith("REFUSED").contains("df._epoch SET system_identifier");
        });
        // An older worker works on with a newer schema, or says that it does not.
        await().untilAsserted(() -> assertThat(data("database", "newer")).isNotEqualTo("starting: connecting"));
        given().get("/q/health").then().body(not(containsString("127.0.0.1"))).body(not(containsString(first.name())));
    }

    @Test
    void one_database_under_two_names_is_served_under_one() {
        await().untilAsserted(() -> {
            assertThat(data("database", "second")).startsWith("ready");
            assertThat(data("database", "zz-again"))
                    .startsWith("refused: ")
                    .contains("is the same database as perdure.databases.second", "system identifier", "remove the");
        });
    }

    @Test
    void a_database_that_is_cut_off_comes_back_and_the_others_go_on() throws SQLException {
        gate.shut();
        try {
            await("lost")
                    .untilAsserted(() -> assertThat(data("database", "gated")).startsWith("lost: "));
            given().get("/q/health/ready").then().statusCode(200);
            runs(first);
            runs(second);
        } finally {
            gate.open();
        }
        awaitRole("gated", "LEADER");
        runs(gated);
    }

    @Test
    void metrics_tell_the_databases_apart() {
        given().get("/q/metrics")
                .then()
                .body(allOf(
                        containsString("perdure_leader{database=\"second\"} 1"),
                        containsString("perdure_leader{database=\"away\"} 0"),
                        containsString("perdure_database_ready{database=\"default\"} 1"),
                        containsString("perdure_steps_limit{database=\"second\"} 7"),
                        containsString("perdure_steps_limit{database=\"default\"} 32")));
        given().get("/q/health/group/leader").then().body("status", equalTo("UP"));
    }
}
