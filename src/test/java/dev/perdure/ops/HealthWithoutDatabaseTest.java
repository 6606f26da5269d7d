package dev.perdure.ops;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

@QuarkusTest
@TestProfile(HealthWithoutDatabaseTest.NobodyListens.class)
class HealthWithoutDatabaseTest {

    /** A database that is down. */
    public static final class NobodyListens implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("perdure.database.url", "postgresql://df_worker@127.0.0.1:1/app");
        }
    }

    @Test
    void the_application_is_up_and_alive_but_neither_started_nor_ready() {
        given().when().get("/q/health/live").then().statusCode(200);
        given().when()
                .get("/q/health/ready")
                .then()
                .statusCode(503)
                .body("checks.find { it.name == 'database' }.status", equalTo("DOWN"))
                .body("checks.find { it.name == 'election' }.data.since", not(startsWith("1970")));
        given().when().get("/q/health/started").then().statusCode(503);
    }

    @Test
    void the_reason_tells_neither_the_address_nor_the_user() {
        Awaitility.await("the reason").until(() -> given().get("/q/health").asString(), containsString("refused"));

        given().get("/q/health")
                .then()
                .body(not(containsString("127.0.0.1")))
                .body(not(containsString("df_worker")))
                .body(not(containsString("postgresql:")));
    }
}
