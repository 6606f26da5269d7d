package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
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
                    .until(() -> worker.statistics().queuedSteps() == 1);

            app.value("SELECT df.cancel(?)", slow);

            assertThat(app.await(waiting).status()).isEqualTo("completed");
        }
    }

    @Test
    void a_role_without_a_session_gets_one_of_a_role_that_has_several_however_long_their_statements_take()
            throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(
                        database, Map.of("perdure.step.max-concurrent", "3", "perdure.step.role-reserve", "0"));
                Submitter first = Submitter.of(database, "queue_limit_first");
                Submitter second = Submitter.of(database, "queue_limit_second");
                Submitter late = Submitter.of(database, "queue_limit_late")) {
            first.execute("CREATE TABLE queue_limit_done (n int)");
            String begun = "SELECT count(*) FROM df.nodes WHERE status = 'running' AND started_at IS NOT NULL";
            String older = first.start("'WITH i AS (INSERT INTO queue_limit_done VALUES (1)) SELECT pg_sleep(600)'");
            first.awaitValue("1", begun);
            String younger = first.start("'WITH i AS (INSERT INTO queue_limit_done VALUES (2))"
                    + " SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM pg_class WHERE relname = ''queue_limit_go'')"
                    + " THEN 0 ELSE 600 END)'");
            first.awaitValue("2", begun);
            String other = second.start("'SELECT pg_sleep(600)'");
            second.awaitValue("1", begun);

            assertThat(late.run("'SELECT 1' ~> 'SELECT 2'").status()).isEqualTo("completed");

            first.awaitValue(
                    "t",
                    "SELECT status_details::text LIKE '%the sessions of the worker%are in use%' FROM df.nodes"
                            + " WHERE instance_id = ? AND node_type = 'SQL'",
                    younger);
            assertThat(first.value("SELECT df.status(?)", older)).isEqualTo("running");
            assertThat(second.value("SELECT df.status(?)", other)).isEqualTo("running");
            assertThat(first.value("SELECT df.status(?)", younger)).isEqualTo("running");
            first.execute("CREATE TABLE queue_limit_go ()");
            first.value("SELECT df.cancel(?)", older);
            second.value("SELECT df.cancel(?)", other);
            assertThat(first.await(younger).status()).isEqualTo("completed");
            assertThat(first.value("SELECT string_agg(n::text, ',') FROM queue_limit_done"))
                    .isEqualTo("2");
            assertThat(first.node(younger, "WITH", "attempt")).isIn(null, "1");
            assertThat(worker.statistics().queuedSteps()).isZero();
        }
    }
}
