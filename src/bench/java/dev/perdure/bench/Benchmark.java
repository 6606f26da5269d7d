package dev.perdure.bench;

import dev.perdure.embedded.StopAtExit;
import dev.perdure.database.DatabaseUrl;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToLongFunction;

/**
 * Prints steps per second, latency from start to completed, and the bare one-row commit rate of the same server in the
 * same run, and their ratio. A durable server (fsync on), the packaged worker in a process of its own.
 *
 * <p>System properties: {@code bench.server} ({@code embedded}, or {@code debian} for the installed package with its default
 * settings), {@code bench.latency} (0) milliseconds of a round trip to it, {@code bench.seconds} (10) for each measurement, {@code
 * bench.warmup} (60) before them, {@code bench.concurrent} (16) sessions and {@code bench.inflight} (200) instances at once, {@code
 * bench.loadOnly} (false) to leave out latencies and starts by themselves, {@code bench.mapOnly} (false) to measure nothing but a map, of
 * {@code bench.mapItems} (50000) items, and what it does to others, {@code bench.activitiesOnly} (false) to measure nothing but
 * {@code bench.activities} (20000) of them, {@code bench.queueOnly} (false) to measure nothing but a queue, of {@code bench.queued} (10000)
 * instances that pass, {@code bench.worker} (target/quarkus-app/quarkus-run.jar).
 */
public final class Benchmark {

    private static final String STEP = "INSERT INTO bench_effects (n) VALUES (1) RETURNING n";

    private Benchmark() {}

    public static void main(String[] arguments) throws Exception {
        Duration time = Duration.ofSeconds(Long.getLong("bench.seconds", 10));
        int sessions = Integer.getInteger("bench.concurrent", 16);
        int inFlight = Integer.getInteger("bench.inflight", 200);
        Path folder = Files.createTempDirectory("perdure-bench");
        try {
            Place place = System.getProperty("bench.server", "embedded").equals("debian")
                    ? Place.debian()
                    : Place.embedded(folder);
            int latency = Integer.getInteger("bench.latency", 0);
            if (latency > 0) {
                place = place.behind(new Latency(latency));
            }
            Load.execute(
                    place.user(), "CREATE TABLE bench_effects (n int)", "CREATE TABLE bench_bare (id int PRIMARY KEY, n int)");
            System.out.printf("%s (%s), Java %s, %d cores%n", version(place.user()), place.name(), Runtime.version(), Runtime.getRuntime()
                    .availableProcessors());
            try (WorkerProcess worker = WorkerProcess.start(place, folder.resolve("worker.log"))) {
                run(place, worker, folder, time, sessions, inFlight);
            }
        } finally {
            StopAtExit.applicationEnded();
        }
    }

    private static void run(
            Place place, WorkerProcess worker, Path folder, Duration time, int sessions, int inFlight)
            throws Exception {
        DatabaseUrl user = place.user();
        // Until the compiler is done with what a worker does all the time: users have one that runs for weeks.
        Duration warmUp = Duration.ofSeconds(Long.getLong("bench.warmup", 60));
        Load.instances(place, STEP, warmUp, sessions, inFlight);
        double bare = Load.bareCommits(user, sessions, time);
        System.out.printf(Locale.ROOT, "bare one-row commits, %d sessions:     %,.0f /s%n", sessions, bare);
        double before = Load.bareCommits(user, 1, time.dividedBy(2));
        System.out.printf(Locale.ROOT, "bare one-row commits, 1 session:      %,.0f /s%n", before);
        if (Boolean.getBoolean("bench.activitiesOnly")) {
            activities(place, worker, bare, sessions);
            return;
        }
        if (Boolean.getBoolean("bench.queueOnly")) {
            queue(user, inFlight);
            System.out.println("worker: " + worker.memory());
            return;
        }
        if (Boolean.getBoolean("bench.mapOnly")) {
            // The compiler knows instances by now, not yet maps.
            MapLoad.toItsEnd(user, STEP, 50_000);
            map(user, bare);
            System.out.println("worker: " + worker.memory());
            beside(place, worker, folder);
            return;
        }
        Load.Outcome outcome = measured(place, worker, time, sessions, inFlight);
        System.out.printf(
                Locale.ROOT,
                "steps, up to %d instances at once:    %,.0f /s (%,.0f instances/s), ratio %.3f, %.0f in flight%n",
                inFlight,
                outcome.stepsPerSecond(),
                outcome.stepsPerSecond() / 3,
                outcome.stepsPerSecond() / bare,
                outcome.inFlight());
        System.out.println("  start to completed, loaded:         " + percentiles(outcome.latenciesMillis()));
        if (Boolean.getBoolean("bench.loadOnly")) {
            return;
        }
        System.out.println("one instance at a time, from df.start to the answer of df.await_instance:");
        System.out.println("  three steps, one after the other:   "
                + percentiles(Load.oneByOne(user, Load.START, STEP, time)));
        System.out.println("  one step, one after the other:      "
                + percentiles(Load.oneByOne(user, Load.START_ONE_STEP, STEP, time)));
        System.out.println("  one step, from an idle worker:      "
                + percentiles(Load.afterPauses(user, Load.START_ONE_STEP, STEP, 100, Duration.ofMillis(600))));
        System.out.printf(
                Locale.ROOT, "df.start of three steps, by itself:   %.3f ms%n", Load.startAlone(user, STEP, 2000));
        double many = Load.startMany(user, 20_000);
        System.out.printf(
                Locale.ROOT, "df.start_many:                        %,.0f instances/s, %.1f a bare commit%n", many, many / bare);
        map(user, bare);
        activities(place, worker, bare, sessions);
        System.out.println("worker: " + worker.memory());
    }

    /** Few programs and many: more sessions than the server's processors can serve make each transaction dearer. */
    private static void activities(Place place, WorkerProcess worker, double bare, int many) throws Exception {
        int items = Integer.getInteger("bench.activities", 20_000);
        // The compiler knows instances by now, not yet activities.
        new ActivityLoad(place.user(), 60_000, many, 50).perSecond();
        for (int programs : new int[] {4, many}) {
            activities(place, worker, bare, programs, items, 50);
            activities(place, worker, bare, programs, items / 4, 1);
        }
    }

    private static void activities(Place place, WorkerProcess worker, double bare, int programs, int count, int batch)
            throws Exception {
            ActivityLoad load = new ActivityLoad(place.user(), count, programs, batch);
            double rate = withProcessorTime(place, worker, "activity", load::perSecond, any -> count);
            System.out.printf(
                    Locale.ROOT,
                    "df.activity, %d programs, %d in a transaction: %,.0f activities/s, %.2f a bare commit (%.1f a claim, %,d claims had none)%n",
                    programs,
                    batch,
                    rate,
                    rate / bare,
                    load.perClaim(),
                    load.emptyClaims());
    }

    /** Of those that pass, while others wait behind them. */
    private static void queue(DatabaseUrl user, int inFlight) throws Exception {
        int passing = Integer.getInteger("bench.queued", 10_000);
        for (int behind : new int[] {0, 1_000, 100_000}) {
            QueueLoad.Outcome queue = QueueLoad.passing(user, passing, behind, inFlight);
            System.out.printf(
                    Locale.ROOT,
                    "%,d instances of one step through a queue of %d slots, %,d others waiting, %,d keys: %,.0f admissions/s, %d to %d of a key%n",
                    passing,
                    inFlight,
                    behind,
                    QueueLoad.KEYS,
                    passing / queue.seconds(),
                    queue.least(),
                    queue.most());
        }
    }

    private static void map(DatabaseUrl user, double bare) throws Exception {
        int items = Integer.getInteger("bench.mapItems", 50_000);
        MapLoad.Outcome map = MapLoad.toItsEnd(user, STEP, items);
        System.out.printf(
                Locale.ROOT,
                "df.map of %,d items of one statement:  %,.0f items/s, %.2f a bare commit (items written down in %.1f s)%n",
                items,
                items / map.seconds(),
                items / map.seconds() / bare,
                map.frozenAfter());
    }

    /** What a map does to others, and others to it. */
    private static void beside(Place place, WorkerProcess worker, Path folder) throws Exception {
        // Enough for the ten seconds beside it.
        int items = Math.max(500_000, Integer.getInteger("bench.mapItems", 50_000));
        MapLoad.HttpOutcome http = MapLoad.requests(place.user(), 10_000, 20);
        System.out.printf(
                Locale.ROOT,
                "df.map of 10,000 requests, one in ten answered with 503 first, 20 at once: %,.0f items/s, at most %d at once,"
                        + " %,d requests%n",
                10_000 / http.seconds(),
                http.mostAtOnce(),
                http.requests());
        double[] alone = Load.oneByOne(place.other(), Load.START_ONE_STEP, "SELECT 1", Duration.ofSeconds(10));
        try (MapLoad map = MapLoad.start(place.user(), STEP, items)) {
            map.awaitCompleted(1000);
            double[] beside = Load.oneByOne(place.other(), Load.START_ONE_STEP, "SELECT 1", Duration.ofSeconds(10));
            System.out.println("another role, one instance of one step at a time:");
            System.out.println("  alone:                              " + percentiles(alone));
            System.out.println("  beside a map that runs:             " + percentiles(beside) + (map.isOver() ? " (it was over before)" : ""));
            System.out.printf(Locale.ROOT, "cancelled in the middle: the last item ended after %.0f ms%n", 1000 * map.cancel());
        }
        try (MapLoad map = MapLoad.start(place.user(), STEP, items);
                WorkerProcess standby = WorkerProcess.standby(place, folder.resolve("standby.log"))) {
            map.awaitCompleted(Math.max(1, items / 10));
            worker.kill();
            System.out.printf(
                    Locale.ROOT,
                    "worker killed in the middle of %,d items: the next one ended after %.0f ms%n",
                    items,
                    1000 * map.nextAfter(items));
            map.cancel();
            System.out.println("standby: " + standby.memory());
        }
    }

    private static Load.Outcome measured(
            Place place, WorkerProcess worker, Duration time, int sessions, int inFlight) throws Exception {
        return withProcessorTime(
                place,
                worker,
                "instance of three steps",
                () -> Load.instances(place, STEP, time, sessions, inFlight),
                Load.Outcome::ended);
    }

    private static <T> T withProcessorTime(
            Place place, WorkerProcess worker, String one, Callable<T> measurement, ToLongFunction<T> number) throws Exception {
        return ProcessorTime.of(Map.of("server", place.admin()), List.of(worker.pid()), one, measurement, number);
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
}
