package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What a worker asks of a server on which nothing is to be done. */
class IdleWorkerTest {

    private static final int SECONDS = 4;

    /** It looks for new work 20 times a second, and now and then at the clock, its term, schedules and queues. */
    private static final int MOST_TRANSACTIONS_A_SECOND = 60;

    @Test
    void a_worker_without_work_leaves_the_server_alone() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter app = Submitter.of(database, "idle_app")) {
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            assertThat(worker).isNotNull();
            long before = committed(app);

            // No wait for a condition: the window that is counted.
            app.value("SELECT pg_sleep(?)", SECONDS);

            assertThat((committed(app) - before) / SECONDS).isLessThan(MOST_TRANSACTIONS_A_SECOND);
        }
    }

    private static long committed(Submitter app) throws SQLException {
        return Long.parseLong(Objects.requireNonNull(
                app.value("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")));
    }
}
