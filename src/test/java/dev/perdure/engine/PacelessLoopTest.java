package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** df.loop(…, every => '0') with a real worker: rounds follow each other, nothing grows, and others are served. */
@SuppressWarnings("try")
class PacelessLoopTest {

    @Test
    void a_loop_without_pace_leaves_room_for_others_and_one_row_of_checkpoints_a_node() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (Submitter app = Submitter.of(database, "paceless_app");
                InProcessWorker worker =
                        InProcessWorker.start(database, Map.of("perdure.step.max-concurrent-per-role", "1"))) {
            app.execute("CREATE TABLE ledger (at timestamptz DEFAULT clock_timestamp())");
            String spinning = app.start("df.loop('INSERT INTO ledger DEFAULT VALUES', every => '0') ~> 'SELECT 1'");
            app.awaitValue("t", "SELECT count(*) > 20 FROM ledger");

            for (int i = 0; i < 5; i++) {
                assertThat(app.run("'SELECT 1' ~> 'SELECT 2'").status()).isEqualTo("completed");
            }
            assertThat(app.value("SELECT df.status(?)", spinning)).isEqualTo("running");
            app.value("SELECT df.cancel(?)", spinning);
            assertThat(app.await(spinning).status()).isEqualTo("cancelled");
            assertThat(database.rows(
                            PostgresServer.OWNER,
                            "SELECT count(*) <= 4 FROM df._checkpoints WHERE instance_id = ?",
                            spinning))
                    .isEqualTo(java.util.List.of(java.util.List.of("t")));
        }
    }

    @Test
    void a_loop_that_takes_no_step_rests_and_ends_when_it_is_cancelled() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (Submitter app = Submitter.of(database, "stepless_app");
                InProcessWorker worker = InProcessWorker.start(database)) {
            String spinning = app.start("df.loop(df.loop(df.break()), every => '0')");
            app.awaitValue("t", "SELECT execution_count > 5 FROM df.instances WHERE id = ?", spinning);
            assertThat(app.run("'SELECT 1' ~> 'SELECT 2'").status()).isEqualTo("completed");
            app.value("SELECT df.cancel(?)", spinning);
            assertThat(app.await(spinning).status()).isEqualTo("cancelled");
        }
    }
}
