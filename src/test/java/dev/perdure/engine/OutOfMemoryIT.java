package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** A worker that was told that it may have more memory than there is: it ends, and does not go on without some of its threads. */
class OutOfMemoryIT {

    private static final int OUT_OF_MEMORY = 3;

    private final TestDatabase database = PostgresServer.get().newDatabase();

    @Test
    void a_worker_that_is_out_of_memory_ends_and_its_lock_is_free() throws SQLException {
        try (Submitter app = Submitter.of(database, "large_app")) {
            String large;
            try (WorkerProcess worker = WorkerProcess.start(
                            database.url(), "perdure.memory.limit=8G", "perdure.step.max-result-size=900M")
                    .awaitLeader()) {
                large = app.start("'SELECT repeat(''x'', 300000000)'");
                assertThat(worker.awaitEnd()).isEqualTo(OUT_OF_MEMORY);
            }
            try (WorkerProcess next = WorkerProcess.start(database.url()).awaitLeader()) {
                assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
                Submitter.Ended ended = app.await(large);
                assertThat(ended.status())
                        .as("with the limits that it should have")
                        .isEqualTo("failed");
                assertThat(ended.output()).contains("perdure.step.max-result-size");
                assertThat(next.health("live")).isEqualTo(200);
            }
        }
    }
}
