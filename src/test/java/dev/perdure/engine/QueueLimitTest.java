package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Steps that find no slot. */
class QueueLimitTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();

    @Test
    void a_step_that_finds_no_slot_in_time_fails_with_the_limit() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(
                        database, Map.of("perdure.step.max-concurrent", "1", "perdure.step.acquire-timeout", "1s"));
                Submitter app = Submitter.of(database, "queue_limit_app")) {
            String slow = app.start("'SELECT pg_sleep(600)'");
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", slow);

            Submitter.Ended late = app.run("'SELECT 1' ~> 'SELECT 2'");

            assertThat(late.status()).isEqualTo("failed");
            assertThat(late.output())
                    .isEqualTo("pg_durable: connection limit reached (max_user_connections=1). Timed out after 1s"
                            + " waiting for an available execution slot.");
            assertThat(app.node(late.id(), "SELECT 1", "status")).isEqualTo("failed");
            assertThat(app.node(late.id(), "SELECT 2", "status")).isEqualTo("pending");
            assertThat(app.value("SELECT df.status(?)", slow)).isEqualTo("running");
            assertThat(worker.statistics().queuedSteps()).isZero();

            app.value("SELECT df.cancel(?)", slow);
            app.await(slow);
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
        }
    }

    @Test
    void without_a_limit_a_step_waits_until_there_is_a_slot() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.step.max-concurrent", "1"));
                Submitter app = Submitter.of(database, "queue_limit_app")) {
            String slow = app.start("'SELECT pg_sleep(600)'");
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", slow);
            String waiting = app.start("'SELECT 1'");
            Awaitility.await("the step in the queue")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> worker.statistics().queuedSteps() == 1);

            app.value("SELECT df.cancel(?)", slow);

            assertThat(app.await(waiting).status()).isEqualTo("completed");
        }
    }
}
