package dev.perdure.bench;

import dev.perdure.testing.DebianServer;
import dev.perdure.testing.WorkerProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;

/**
 * Prints steps per second of one database with one worker, and of four databases that two workers lead, all driven as hard as they can,
 * twice; with the bare one-row commits of as many sessions on the same server, and the processor time. One server of Debian's package with
 * default settings and more connections. As many callers in all in either case.
 *
 * <p>{@code ./mvnw -Pbench verify -Dbench.main=dev.perdure.bench.FleetFigures}; system properties {@code bench.seconds} (10), {@code
 * bench.warmup} (60), {@code bench.concurrent} (16), {@code bench.inflight} (200), as in {@link Benchmark}.
 */
public final class FleetFigures {

    private static final String STEP = "INSERT INTO bench_effects (n) VALUES (1) RETURNING n";
    private static final int DATABASES = 4;
    private static final int WORKERS = 2;
    private static final Duration LONGEST_SPREAD = Duration.ofMinutes(3);

    private final Duration time = Duration.ofSeconds(Long.getLong("bench.seconds", 10));
    private final Duration warmUp = Duration.ofSeconds(Long.getLong("bench.warmup", 60));
    private final int sessions = Integer.getInteger("bench.concurrent", 16);
    private final int inFlight = Integer.getInteger("bench.inflight", 200);
    private final DebianServer server = DebianServer.own(Map.of("max_connections", "300"));

    private FleetFigures() {}

    public static void main(String[] arguments) throws Exception {
        FleetFigures figures = new FleetFigures();
        try {
            figures.server.asSuperuser(
                    "postgres", "CREATE ROLE app LOGIN PASSWORD '" + DebianServer.password("app") + "'");
            figures.run(1, 1);
            figures.run(DATABASES, WORKERS);
        } finally {
            figures.server.close();
        }
        System.exit(0);
    }

    private void run(int databases, int workers) throws Exception {
        List<Place> places = new ArrayList<>();
        String[] settings = new String[databases];
        settings[0] = "perdure.leader.spread-interval=5s";
        for (int i = 0; i < databases; i++) {
            Place place = place();
            places.add(place);
            if (i > 0) {
                settings[i] = "perdure.databases.d" + i + ".url=" + place.owner().toUri();
            }
        }
        List<WorkerProcess> processes = new ArrayList<>();
        try {
            for (int i = 0; i < workers; i++) {
                processes.add(WorkerProcess.start(List.of(), places.get(0).settings(), places.get(0).owner(), settings));
            }
            awaitSpread(processes, databases / workers);
            measure(places, processes);
        } finally {
            processes.forEach(WorkerProcess::close);
        }
    }

    private Place place() throws Exception {
        String database = server.newDatabase();
        server.asSuperuser(database, "GRANT CREATE ON SCHEMA public TO app");
        Load.execute(server.worker(database), "SELECT df.grant_usage('app')");
        Place place = new Place(
                database,
                server.worker(database),
                server.url("app", DebianServer.password("app"), database),
                server.url("app", DebianServer.password("app"), database),
                server.superuser(database),
                Map.of("PERDURE_LOGIN_PASSWORDS_APP", DebianServer.password("app")));
        Load.execute(
                place.user(), "CREATE TABLE bench_effects (n int)", "CREATE TABLE bench_bare (id int PRIMARY KEY, n int)");
        return place;
    }

    private static void awaitSpread(List<WorkerProcess> workers, int each) {
        workers.forEach(WorkerProcess::awaitReady);
        Awaitility.await(each + " databases led by each worker").atMost(LONGEST_SPREAD).until(() -> {
            for (WorkerProcess worker : workers) {
                if (worker.led() != each) {
                    return false;
                }
            }
            return true;
        });
    }

    private void measure(List<Place> places, List<WorkerProcess> workers) throws Exception {
        String name = places.size() + " databases, " + workers.size() + " workers";
        int callers = sessions / places.size();
        onAll(places, place -> Load.instances(place, STEP, warmUp, callers, inFlight));
        for (int i = 1; i <= 2; i++) {
            double bare = onAll(places, place -> Load.bareCommits(place.user(), callers, time)).stream()
                    .mapToDouble(Double::doubleValue)
                    .sum();
            System.out.printf(Locale.ROOT, "%s: bare one-row commits, %d sessions in all: %,.0f /s%n", name, sessions, bare);
            List<Load.Outcome> outcomes = ProcessorTime.of(
                    Map.of("server", places.get(0).admin()),
                    workers.stream().map(WorkerProcess::pid).toList(),
                    "instance of three steps",
                    () -> onAll(places, place -> Load.instances(place, STEP, time, callers, inFlight)),
                    all -> all.stream().mapToLong(Load.Outcome::ended).sum());
            double steps = outcomes.stream().mapToDouble(Load.Outcome::stepsPerSecond).sum();
            System.out.printf(
                    Locale.ROOT,
                    "%s: %,.0f steps/s in all, ratio %.3f; of each database %s%n",
                    name,
                    steps,
                    steps / bare,
                    outcomes.stream()
                            .map(outcome -> String.format(Locale.ROOT, "%.0f", outcome.stepsPerSecond()))
                            .toList());
        }
    }

    private interface Measurement<T> {
        T of(Place place) throws Exception;
    }

    /** At the same time. */
    private static <T> List<T> onAll(List<Place> places, Measurement<T> measurement) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(places.size());
        try {
            List<Callable<T>> tasks = new ArrayList<>();
            for (Place place : places) {
                tasks.add(() -> measurement.of(place));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> result : threads.invokeAll(tasks)) {
                results.add(result.get());
            }
            return results;
        } finally {
            threads.shutdown();
        }
    }
}
