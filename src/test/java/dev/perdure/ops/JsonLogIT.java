package dev.perdure.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.time.Duration;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The log of a worker process as JSON lines. */
class JsonLogIT {

    private static final String USER = "json_log";

    @Test
    void a_line_about_an_instance_has_its_id_as_a_field() throws Exception {
        TestDatabase database = PostgresServer.get().newDatabase();
        database.createUser(USER);
        try (WorkerProcess worker = WorkerProcess.start(database.url(), "quarkus.log.console.json.enabled=true")) {
            worker.awaitLeader();
            String id = Objects.requireNonNull(database.value(USER, "SELECT df.start('SELECT 1 / 0')"));
            Awaitility.await("the line of the failure")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> worker.log().contains(id));
            String line =
                    worker.log().lines().filter(l -> l.contains(id)).findFirst().orElseThrow();

            JsonNode json = new ObjectMapper().readTree(line);

            assertThat(json.at("/mdc/instance").asText()).isEqualTo(id);
            assertThat(json.path("message").asText()).contains("division by zero");
            assertThat(json.path("level").asText()).isEqualTo("INFO");
        }
    }
}
