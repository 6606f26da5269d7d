package dev.perdure.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.engine.Ledger;
import dev.perdure.engine.Submitter;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Real worker processes that serve three databases. */
class FleetIT {

    private static final int STEPS = 100;

    private final List<TestDatabase> databases =
            Stream.generate(() -> PostgresServer.get().newDatabase()).limit(3).toList();
    private final List<Submitter> submitters = new ArrayList<>();
    private final List<Ledger> ledgers = new ArrayList<>();

    @BeforeEach
    void begin() throws SQLException {
        for (TestDatabase database : databases) {
            Submitter app = Submitter.of(database, "fleet_app");
            submitters.add(app);
            ledgers.add(Ledger.create(app));
        }
    }

    @AfterEach
    void end() throws SQLException {
        for (Submitter submitter : submitters) {
            submitter.close();
        }
    }

    /** One database by the one URL, one by a setting, one by the environment. */
    private WorkerProcess start(String... settings) {
        List<String> all = new ArrayList<>();
        all.add("perdure.databases.second.url=" + databases.get(1).url().toUri());
        all.add("perdure.leader.spread-interval=1s");
        all.addAll(List.of(settings)); // the last one holds
        return WorkerProcess.start(
                Map.of("PERDURE_DATABASES__EU_WEST__URL", databases.get(2).url().toUri()),
                databases.get(0).url(),
                all.toArray(String[]::new));
    }

    private static long led(WorkerProcess worker) throws IOException, InterruptedException {
        return worker.get("/q/metrics")
                .lines()
                .filter(line -> line.matches("perdure_leader\\{database=\"(default|second|eu-west)\"} 1(\\.0)?"))
                .count();
    }

    @Test
    void leadership_spreads_and_each_step_happens_once_when_a_worker_is_killed_and_another_ends() throws Exception {
        List<List<String>> ids = new ArrayList<>();
        try (WorkerProcess first = start().awaitLeader()) {
            await().atMost(Duration.ofSeconds(60)).until(() -> led(first) == 3);
            try (WorkerProcess second = start().awaitReady()) {
                await("the second one leads one of three")
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> led(first) == 2 && led(second) == 1);
                for (Ledger ledger : ledgers) {
                    ids.add(ledger.start(2, STEPS, 0.01));
                }
                ledgers.get(0).awaitSize(STEPS / 2);

                first.kill();

                await("the second one leads all").atMost(Duration.ofSeconds(60)).until(() -> led(second) == 3);
                try (WorkerProcess third = start().awaitReady()) {
                    second.terminate();
                    second.awaitEnd();
                    await("the third one leads all")
                            .atMost(Duration.ofSeconds(60))
                            .until(() -> led(third) == 3);
                    for (int i = 0; i < ledgers.size(); i++) {
                        ledgers.get(i).assertEachStepHappenedOnce(ids.get(i), STEPS);
                    }
                }
                assertThat(second.log()).contains("eu-west").contains("This worker leads");
            }
        }
    }

    @Test
    void settings_that_make_no_sense_end_the_process() {
        try (WorkerProcess worker = start("perdure.databases.third.retention-days=3")) {
            assertThat(worker.awaitEnd()).isEqualTo(78);
            assertThat(worker.log()).contains("perdure.databases.third has settings and no URL");
        }
    }

    @Test
    void a_process_without_any_database_that_can_be_served_ends() {
        try (WorkerProcess worker = WorkerProcess.start(
                databases.get(0).url(),
                "perdure.database.url=postgresql://localhost/x?sslmode=perhaps",
                "perdure.databases.second.url=postgresql://localhost/x?sslmode=never")) {
            assertThat(worker.awaitEnd()).isEqualTo(78);
            assertThat(worker.log()).contains("sslmode is one of");
        }
    }
}
