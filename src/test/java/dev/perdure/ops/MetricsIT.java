package dev.perdure.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What a worker process exports, and that its jobs run by themselves. */
class MetricsIT {

    private static final String USER = "measured";

    @Test
    void a_leading_worker_exports_what_it_does_and_what_there_is() throws Exception {
        TestDatabase database = PostgresServer.get().newDatabase();
        database.createUser(USER);
        try (WorkerProcess worker =
                WorkerProcess.start(database.url(), "perdure.metrics-interval=1s", "perdure.reconcile-interval=1s")) {
            worker.awaitLeader();
            database.value(USER, "SELECT df.start('SELECT 1' ~> 'SELECT 2')");
            database.value(USER, "SELECT df.start('SELECT 1 / 0')");
            database.value(USER, "SELECT df.start(df.sleep(3600))");

            awaitMetric(worker, "perdure_leader{database=\"default\"}", 1);
            awaitMetric(worker, "perdure_epoch{database=\"default\"}", 1);
            awaitMetric(worker, "perdure_terms_total{database=\"default\"}", 1);
            awaitMetric(worker, "perdure_database_ready{database=\"default\"}", 1);
            awaitMetric(worker, "perdure_instances{database=\"default\",status=\"completed\"}", 1);
            awaitMetric(worker, "perdure_instances{database=\"default\",status=\"failed\"}", 1);
            awaitMetric(worker, "perdure_instances{database=\"default\",status=\"running\"}", 1);
            awaitMetric(worker, "perdure_timers_waiting{database=\"default\"}", 1);
            awaitMetric(worker, "perdure_instances_set_aside{database=\"default\"}", 0);
            // One that was started before the leader first looked counts as one that it has found.
            Awaitility.await("instances that were started or found")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> metric(worker, "perdure_instances_started_total{database=\"default\"}")
                                    + metric(worker, "perdure_instances_taken_over_total{database=\"default\"}")
                            == 3);
            awaitMetric(worker, "perdure_instances_ended_total{database=\"default\",status=\"completed\"}", 1);
            awaitMetric(
                    worker,
                    "perdure_step_duration_seconds_count{database=\"default\",kind=\"SQL\",outcome=\"completed\"}",
                    2);
            awaitMetric(
                    worker,
                    "perdure_step_duration_seconds_count{database=\"default\",kind=\"SQL\",outcome=\"failed\"}",
                    1);
            awaitMetric(worker, "perdure_steps_limit{database=\"default\"}", 32);

            database.execute(
                    PostgresServer.OWNER,
                    "UPDATE df.instances SET created_at = now() - interval '99 days' WHERE status = 'failed'");
            awaitMetric(worker, "perdure_retention_deleted_total{database=\"default\"}", 1);
            awaitMetric(worker, "perdure_instances{database=\"default\",status=\"failed\"}", 0);
            assertThat(metric(worker, "perdure_retention_last_success_seconds{database=\"default\"}"))
                    .isPositive();
            assertThat(metric(worker, "perdure_maintenance_failures_total{database=\"default\"}"))
                    .isZero();
        }
    }

    private static void awaitMetric(WorkerProcess worker, String name, double expected) {
        Awaitility.await(name)
                .atMost(Duration.ofSeconds(60))
                .pollDelay(Duration.ZERO)
                .untilAsserted(() -> assertThat(metric(worker, name)).isEqualTo(expected));
    }

    private static double metric(WorkerProcess worker, String name) throws IOException, InterruptedException {
        Matcher line =
                Pattern.compile("(?m)^" + Pattern.quote(name) + " (\\S+)$").matcher(worker.get("/q/metrics"));
        assertThat(line.find()).as(name).isTrue();
        return Double.parseDouble(line.group(1));
    }
}
