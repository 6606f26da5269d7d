package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Schedules: the next match is computed when the node is reached, and is kept in its row. */
@SuppressWarnings("try")
class SchedulesTest {

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "schedule_app");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    @Test
    void the_next_match_is_in_the_row_and_survives_a_change_of_leaders() throws SQLException {
        String id;
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            id = app.start("df.wait_for_schedule('30 7 * * *', 'america/new_york') ~> 'SELECT 7'");
            app.awaitValue("t", "SELECT bool_or(wake_at IS NOT NULL) FROM df.nodes WHERE instance_id = ?", id);
            assertThat(app.value(
                            "SELECT (wake_at AT TIME ZONE 'America/New_York')::time = '07:30' AND wake_at > now()"
                                    + " AND wake_at < now() + '25 h' FROM df.nodes WHERE instance_id = ? AND wake_at IS NOT NULL",
                            id))
                    .isEqualTo("t");
            worker.loseMemory();
        }
        database.asSuperuser("UPDATE df._inbox SET wake_at = now() WHERE wake_at IS NOT NULL;"
                + " UPDATE df._checkpoints SET state = regexp_replace(state::text, '\"wake_at\": \"[^\"]*\"',"
                + " '\"wake_at\": ' || to_json(now()))::jsonb");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.value(
                            "SELECT result FROM df.nodes WHERE instance_id = ? AND node_type = 'WAIT_SCHEDULE'", id))
                    .isEqualTo("{\"scheduled\": true}");
        }
    }

    @Test
    void a_schedule_that_is_met_goes_on_with_its_result() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            // Every minute: the limit of the wait is a minute and what the machine takes.
            String id = app.start("(df.wait_for_schedule('* * * * *') |=> 'at') ~> 'SELECT $at AS at'");
            app.awaitValue("t", "SELECT bool_or(wake_at IS NOT NULL) FROM df.nodes WHERE instance_id = ?", id);
            app.awaitValue("completed", "SELECT status FROM df.instances WHERE id = ?", id);

            assertThat(app.value("SELECT df.result(?)", id)).contains("scheduled");
        }
    }

    @Test
    void a_date_that_never_comes_fails_the_node() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.wait_for_schedule('0 0 30 2 *')");
            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).isEqualTo("No upcoming schedule found for '0 0 30 2 *'");
        }
    }

    @Test
    void what_was_written_by_hand_and_makes_no_sense_fails_the_node() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var expression = app.run(
                    "'{\"node_type\":\"WAIT_SCHEDULE\",\"query\":\"{\\\"cron_expr\\\":\\\"now and then\\\"}\"}'");
            assertThat(expression.output()).startsWith("Invalid cron expression 'now and then'");
            var zone = app.run(
                    "'{\"node_type\":\"WAIT_SCHEDULE\",\"query\":\"{\\\"cron_expr\\\":\\\"@daily\\\",\\\"timezone\\\":\\\"Mars\\\"}\"}'");
            assertThat(zone.output())
                    .startsWith("Invalid time zone 'Mars'")
                    .contains("the worker's JVM does not know it");
        }
    }
}
