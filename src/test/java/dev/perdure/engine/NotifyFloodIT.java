package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** Anybody who may connect may send any NOTIFY, as many and as large as it likes: a worker of 256 MB goes on. */
class NotifyFloodIT {

    private final TestDatabase database = PostgresServer.get().newDatabase();

    @Test
    void a_role_without_any_right_on_df_ends_no_worker_with_notify() throws SQLException {
        try (WorkerProcess worker = WorkerProcess.start(database.url()).awaitLeader();
                Submitter app = Submitter.of(database, "flood_app");
                Submitter nobody = Submitter.at(database.url(database.createRole("flood_nobody")));
                Submitter observer = Submitter.observer(database)) {
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            String epoch = observer.value("SELECT last_value FROM df._epoch_seq");
            String channel = observer.value("SELECT channel FROM df._wake");
            for (String to : new String[] {"perdure_wake", channel}) {
                for (int i = 0; i < 15; i++) {
                    nobody.value(
                            "SELECT count(pg_notify(?, repeat('x', 6000) || i::text)) FROM generate_series(1, 3000) i",
                            to);
                }
                assertThat(app.run("'SELECT 1' ~> df.sleep(0) ~> 'SELECT 2'").status())
                        .isEqualTo("completed");
            }
            assertThat(observer.value("SELECT last_value FROM df._epoch_seq"))
                    .as("the same term")
                    .isEqualTo(epoch);
            assertThat(worker.health("live")).isEqualTo(200);
            assertThat(worker.health("group/leader")).isEqualTo(200);
            assertThat(observer.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                            + " AND application_name = 'perdure-leader'"))
                    .isEqualTo("1");
            assertThat(worker.log()).doesNotContain("OutOfMemoryError");
        }
    }
}
