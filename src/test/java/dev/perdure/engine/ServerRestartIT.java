package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.embedded.StopAtExit;
import dev.perdure.schema.Migration;
import dev.perdure.testing.FreePort;
import dev.perdure.testing.WorkerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL itself crashes under the worker and comes back. */
class ServerRestartIT {

    private static final int INSTANCES = 50;
    private static final int STEPS = 40;

    @TempDir
    Path directory;

    @Test
    void the_worker_waits_for_a_server_that_crashed_and_goes_on_exactly_once() throws Exception {
        int port = FreePort.find();
        Path data = directory.resolve("data");
        EmbeddedServer server = EmbeddedServer.start(data, port);
        try (WorkerProcess worker = WorkerProcess.start(server.workerUrl()).awaitLeader()) {
            grant(server);
            List<String> ids;
            try (Submitter app = Submitter.at(server.peopleUrl())) {
                Ledger ledger = Ledger.create(app);
                ids = ledger.start(INSTANCES, STEPS, 0.01);
                ledger.awaitSize(INSTANCES * STEPS / 3);
            }

            crash(data);
            worker.awaitHealth("ready", false);
            assertThat(worker.health("live")).as("alive, and waiting").isEqualTo(200);
            // The library keeps the lock of the data folder until its object is collected.
            Awaitility.await("the server again").ignoreExceptions().until(() -> {
                System.gc();
                return EmbeddedServer.start(data, port) != null;
            });

            worker.awaitLeader();
            worker.awaitReady();
            try (Submitter app = Submitter.at(server.peopleUrl())) {
                Ledger.existing(app).assertEachStepHappenedOnce(ids, STEPS);
            }
        } finally {
            crash(data);
            StopAtExit.applicationEnded();
        }
    }

    private static void grant(EmbeddedServer server) throws SQLException {
        DatabaseUrl url = server.workerUrl();
        Migration.migrate(url);
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT df.grant_usage('" + EmbeddedServer.PEOPLE + "')");
        }
    }

    /** SIGQUIT: an immediate shutdown, after which the server recovers from its log. */
    private static void crash(Path data) throws IOException, InterruptedException {
        Path file = data.resolve("postmaster.pid");
        if (!Files.exists(file)) {
            return;
        }
        long pid = Long.parseLong(Files.readAllLines(file).get(0));
        new ProcessBuilder("kill", "-QUIT", Long.toString(pid)).start().waitFor();
        Awaitility.await("end of the server")
                .until(() -> ProcessHandle.of(pid).map(p -> !p.isAlive()).orElse(true));
    }
}
