package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** More instances than there is room for in the worker's memory. */
class MemoryTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();

    private InProcessWorker workerWithRoomFor(int instances) {
        return InProcessWorker.start(
                database,
                Map.of(
                        "perdure.intake.max-loaded-instances",
                        String.valueOf(instances),
                        "perdure.step.max-concurrent",
                        "8"));
    }

    @Test
    void a_role_whose_steps_are_slow_leaves_room_for_another_role() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(16);
                Submitter slow = Submitter.of(database, "memory_slow");
                Submitter quick = Submitter.of(database, "memory_quick")) {
            slow.value("SELECT count(df.start('SELECT pg_sleep(600)')) FROM generate_series(1, 100)");
            slow.awaitValue("4", "SELECT count(*) FROM df.nodes WHERE status = 'running'");

            for (int i = 0; i < 20; i++) {
                assertThat(quick.run("'SELECT 1' ~> 'SELECT 2'").status()).isEqualTo("completed");
            }

            assertThat(worker.statistics().liveInstances()).isLessThanOrEqualTo(16);
            assertThat(slow.value("SELECT count(*) FROM df.instances WHERE status = 'pending'"))
                    .as("those for which there is no room")
                    .isEqualTo("92");
            slow.value("SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')");
            slow.awaitValue("100", "SELECT count(*) FROM df.instances WHERE output IS NOT NULL");
        }
    }

    @Test
    void a_role_with_many_instances_has_them_all_done() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(4);
                Submitter app = Submitter.of(database, "memory_many")) {
            app.value("SELECT count(df.start('SELECT 1' ~> 'SELECT 2')) FROM generate_series(1, 60)");
            app.awaitValue("60", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
            await().until(() -> worker.statistics().liveInstances() == 0);
        }
    }

    @Test
    void signals_reach_all_that_wait_outside_of_memory() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(8);
                Submitter app = Submitter.of(database, "memory_waiting")) {
            // More than are loaded at a time.
            app.value("SELECT count(df.start(df.wait_for_signal('go', 3600) ~> 'SELECT 1'))"
                    + " FROM generate_series(1, 120)");
            app.awaitValue("120", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
            assertThat(worker.statistics().liveInstances()).isLessThanOrEqualTo(8);

            app.value("SELECT count(df.signal(id, 'go')) FROM df.instances");

            app.awaitValue("120", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
        }
    }

    @Test
    void timers_that_are_due_together_come_in_as_there_is_room() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(8);
                Submitter app = Submitter.of(database, "memory_asleep")) {
            app.value("SELECT count(df.start(df.sleep(2) ~> 'SELECT 1')) FROM generate_series(1, 60)");
            app.awaitValue("60", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
            await().until(() -> worker.statistics().liveInstances() == 0);
        }
    }
}
