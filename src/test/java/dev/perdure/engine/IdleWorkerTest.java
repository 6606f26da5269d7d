package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What a worker asks of a server on which nothing is to be done. */
class IdleWorkerTest {

    private static final int WINDOW_SECONDS = 2;

    /**
     * Once a second it looks for new work, at the clock, its term, schedules and queues: nine in all. Without NOTIFY it would look 20
     * times.
     */
    private static final int MOST_TRANSACTIONS_A_SECOND = 15;

    @Test
    void a_worker_without_work_leaves_the_server_alone() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter app = Submitter.of(database, "idle_app")) {
            assertThat(worker).isNotNull();
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");

            Awaitility.await("the worker rests")
                    .until(() -> transactionsASecond(app), rate -> rate < MOST_TRANSACTIONS_A_SECOND);
        }
    }

    private static long transactionsASecond(Submitter app) throws SQLException {
        long before = committed(app);
        app.value("SELECT pg_sleep(?)", WINDOW_SECONDS);
        return (committed(app) - before) / WINDOW_SECONDS;
    }

    private static long committed(Submitter app) throws SQLException {
        return Long.parseLong(Objects.requireNonNull(
                app.value("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")));
    }
}
