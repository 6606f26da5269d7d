package dev.perdure.bench;

import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.embedded.StopAtExit;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/**
 * Prints steps per second, latency from start to completed, and the bare one-row commit rate of the same server in the
 * same run, and their ratio. A durable server (fsync on), the packaged worker in a process of its own.
 *
 * <p>System properties: {@code bench.seconds} (10) for each measurement, {@code bench.warmup} (60) before them, {@code bench.concurrent} (16) sessions and
 * {@code bench.inflight} (200) instances at once, {@code bench.worker} (target/quarkus-app/quarkus-run.jar).
 */
public final class Benchmark {

    private static final String STEP = "INSERT INTO bench_effects (n) VALUES (1) RETURNING n";

    private Benchmark() {}

    public static void main(String[] arguments) throws Exception {
        Duration time = Duration.ofSeconds(Long.getLong("bench.seconds", 10));
        int sessions = Integer.getInteger("bench.concurrent", 16);
        int inFlight = Integer.getInteger("bench.inflight", 200);
        Path folder = Files.createTempDirectory("perdure-bench");
        EmbeddedServer server = EmbeddedServer.start(folder.resolve("postgres"), 15577);
        try {
            DatabaseUrl owner = server.workerUrl();
            DatabaseUrl user = owner.withUser("app", null);
            Migration.migrate(owner);
            execute(owner, "SELECT df.grant_usage('app')");
            execute(user, "CREATE TABLE bench_effects (n int)", "CREATE TABLE bench_bare (id int PRIMARY KEY, n int)");
            System.out.printf("%s, Java %s, %d cores%n", version(user), Runtime.version(), Runtime.getRuntime()
                    .availableProcessors());
            try (WorkerProcess worker = WorkerProcess.start(owner, folder.resolve("worker.log"))) {
                run(user, worker, time, sessions, inFlight);
            }
        } finally {
            StopAtExit.applicationEnded();
        }
    }

    private static void run(DatabaseUrl user, WorkerProcess worker, Duration time, int sessions, int inFlight)
            throws Exception {
        // Until the compiler is done with what a worker does all the time: users have one that runs for weeks.
        Duration warmUp = Duration.ofSeconds(Long.getLong("bench.warmup", 60));
        Load.instances(user, STEP, warmUp, sessions, inFlight);
        double bare = Load.bareCommits(user, sessions, time);
        System.out.printf(Locale.ROOT, "bare one-row commits, %d sessions:     %,.0f /s%n", sessions, bare);
        double before = Load.bareCommits(user, 1, time.dividedBy(2));
        System.out.printf(Locale.ROOT, "bare one-row commits, 1 session:      %,.0f /s%n", before);
        Load.Outcome outcome = measured(user, worker, time, sessions, inFlight);
        System.out.printf(
                Locale.ROOT,
                "steps, up to %d instances at once:    %,.0f /s (%,.0f instances/s), ratio %.3f, %.0f in flight%n",
                inFlight,
                outcome.stepsPerSecond(),
                outcome.stepsPerSecond() / 3,
                outcome.stepsPerSecond() / bare,
                outcome.inFlight());
        System.out.println("  start to completed, loaded:         " + percentiles(outcome.latenciesMillis()));
        double[] idle = Load.oneByOne(user, STEP, time);
        System.out.println("  start to completed, one at a time:  " + percentiles(idle));
        double[] quiet = Load.afterPauses(user, STEP, 20, Duration.ofMillis(800));
        System.out.println("  the same from an idle worker:       " + percentiles(quiet));
        System.out.println("worker: " + worker.memory());
    }

    private static Load.Outcome measured(
            DatabaseUrl user, WorkerProcess worker, Duration time, int sessions, int inFlight) throws Exception {
        if (!ProcessorTime.isKnown()) {
            return Load.instances(user, STEP, time, sessions, inFlight);
        }
        try (ProcessorTime processor = new ProcessorTime(user.withUser("postgres", null), worker.pid())) {
            Load.Outcome outcome = Load.instances(user, STEP, time, sessions, inFlight);
            System.out.println("processor time per instance of three steps, in ms:");
            double sum = 0;
            for (Map.Entry<String, Double> part : processor.millis().entrySet()) {
                double millis = part.getValue() / Math.max(1, outcome.ended());
                sum += millis;
                if (millis >= 0.005) {
                    System.out.printf(Locale.ROOT, "  %-34s %6.2f%n", part.getKey(), millis);
                }
            }
            System.out.printf(Locale.ROOT, "  %-34s %6.2f%n", "all", sum);
            return outcome;
        }
    }

    private static String percentiles(double[] millis) {
        double[] sorted = millis.clone();
        Arrays.sort(sorted);
        return sorted.length == 0
                ? "nothing measured"
                : String.format(
                        Locale.ROOT,
                        "p50 %.1f ms, p95 %.1f ms, p99 %.1f ms (%,d)",
                        at(sorted, 0.50),
                        at(sorted, 0.95),
                        at(sorted, 0.99),
                        sorted.length);
    }

    private static double at(double[] sorted, double share) {
        return sorted[(int) Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    }

    private static String version(DatabaseUrl url) throws SQLException {
        try (Connection connection = url.connect()) {
            return "PostgreSQL " + connection.getMetaData().getDatabaseProductVersion();
        }
    }

    private static void execute(DatabaseUrl url, String... statements) throws SQLException {
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
