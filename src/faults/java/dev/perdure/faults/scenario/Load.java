package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.world.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Many sleeping instances, then many at once, then a role whose steps are slow; new short instances of another role are
 * started all the time and timed.
 */
public final class Load implements Scenario {

    /** Steps, the reserve for other roles, and the worker's own: leader, owner, questions, wake-ups, watch, maintenance. */
    private static final int CONNECTIONS = 32 + 4 + 6;
    private static final long PATIENCE_MILLIS = Long.getLong("faults.target.short", 10_000);

    @Override
    public String name() {
        return "load";
    }

    @Override
    public String promise() {
        return "memory and connections stay within bounds, and short new instances of a role are not kept waiting";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        int sleeping = session.size(3_000, 100_000);
        int atOnce = session.size(1_000, 10_000);
        StringBuilder figures = new StringBuilder();
        try (World world = World.create()) {
            world.server()
                    .asSuperuser("CREATE ROLE app_short LOGIN; CREATE ROLE app_slow LOGIN;"
                            + " SELECT df.grant_usage('app_short'), df.grant_usage('app_slow')");
            world.startWorkers(1);
            Watch watch = new Watch(world);
            Future<?> watching = watch.start();
            figures.append(memory(world, "before"));

            start(world, sleeping, "df.sleep(100000)", "sleeping");
            world.awaitNumber(
                    "SELECT count(*) FROM df._inbox WHERE wake_at < 'infinity'", sleeping);
            figures.append(memory(world, sleeping + " sleeping"));
            figures.append(latency(world, "beside " + sleeping + " sleeping", 20));

            long before = System.nanoTime();
            start(world, atOnce, "'SELECT 1' ~> 'SELECT 2' ~> 'SELECT 3'", "burst");
            figures.append(latency(world, "beside " + atOnce + " of another role at once", 20));
            world.awaitNumber(
                    "SELECT count(*) FROM df.instances WHERE label = 'burst' AND status = 'completed'", atOnce);
            figures.append(String.format(
                    "%n    %d instances of three steps at once: done after %d ms",
                    atOnce, (System.nanoTime() - before) / 1_000_000));
            figures.append(memory(world, "after the burst"));

            before = System.nanoTime();
            start(world, atOnce, "df.sleep(5) ~> 'SELECT 1'", "nap");
            world.awaitNumber(
                    "SELECT count(*) FROM df.instances WHERE label = 'nap' AND status = 'completed'", atOnce);
            figures.append(String.format(
                    "%n    %d that wake together after 5 s: done %d ms after their start",
                    atOnce, (System.nanoTime() - before) / 1_000_000));
            figures.append(memory(world, "after they woke"));

            // In the long form more than the worker has room for.
            int slow = session.size(100, 25_000);
            startAs(world, "app_slow", slow, "'SELECT pg_sleep(30)'", "slow");
            world.awaitNumber(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_slow' AND state = 'active'", 1);
            long worst = worst(world, 30);
            figures.append(String.format("%n    beside %d steps of 30 s of another role: slowest %d ms", slow, worst));

            watch.stop(watching);
            figures.append(String.format("%n    most connections of the worker: %d", watch.most));
            figures.append(memory(world, "at the end"));
            if (watch.most > CONNECTIONS) {
                return Verdict.failed("more than " + CONNECTIONS + " connections" + figures);
            }
            return worst > PATIENCE_MILLIS
                    ? Verdict.failed("a short instance was kept waiting" + figures)
                    : Verdict.passed("a worker with a heap of 256 MB" + figures);
        }
    }

    private static void start(World world, int count, String workflow, String label) throws SQLException {
        startAs(world, "app", count, workflow, label);
    }

    private static void startAs(World world, String role, int count, String workflow, String label)
            throws SQLException {
        try (Connection connection = world.server().connect(role);
                Statement statement = connection.createStatement()) {
            int batch = 1000;
            for (int i = 0; i < count; i += batch) {
                statement
                        .executeQuery("SELECT count(df.start(" + workflow + ", '" + label
                                + "')) FROM generate_series(1, " + Math.min(batch, count - i) + ")")
                        .close();
            }
        }
    }

    private static String latency(World world, String when, int times) throws SQLException {
        long[] millis = shortOnes(world, times);
        return String.format(
                "%n    a short instance %s: median %d ms, slowest %d ms",
                when, millis[millis.length / 2], millis[millis.length - 1]);
    }

    private static long worst(World world, int times) throws SQLException {
        long[] millis = shortOnes(world, times);
        return millis[millis.length - 1];
    }

    private static long[] shortOnes(World world, int times) throws SQLException {
        long[] millis = new long[times];
        try (Connection connection = world.server().connect("app_short");
                Statement statement = connection.createStatement()) {
            for (int i = 0; i < times; i++) {
                long before = System.nanoTime();
                String id;
                try (ResultSet row = statement.executeQuery("SELECT df.start('SELECT 1')")) {
                    row.next();
                    id = row.getString(1);
                }
                try (ResultSet row = statement.executeQuery("SELECT df.await_instance('" + id + "', 120)")) {
                    row.next();
                    if (!"completed".equals(row.getString(1))) {
                        throw new IllegalStateException("a short instance is " + row.getString(1));
                    }
                }
                millis[i] = (System.nanoTime() - before) / 1_000_000;
            }
        }
        Arrays.sort(millis);
        return millis;
    }

    private static String memory(World world, String when) throws IOException {
        long pid = world.workers().leader().pid();
        List<String> lines = Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"));
        return lines.stream()
                .filter(line -> line.startsWith("VmRSS") || line.startsWith("VmHWM"))
                .map(line -> line.replaceAll("\\s+", " "))
                .reduce(String.format("%n    memory of the worker %s:", when), (a, b) -> a + " " + b);
    }

    /** Counts the worker's connections all the time. */
    private static final class Watch {

        private final World world;
        private final AtomicBoolean stopped = new AtomicBoolean();
        private volatile long most;

        Watch(World world) {
            this.world = world;
        }

        Future<?> start() {
            var thread = Executors.newSingleThreadExecutor(task -> {
                Thread daemon = new Thread(task, "counts connections");
                daemon.setDaemon(true);
                return daemon;
            });
            Future<?> running = thread.submit(() -> {
                while (!stopped.get()) {
                    most = Math.max(
                            most,
                            world.number(
                                    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'perdure%'"));
                    TimeUnit.MILLISECONDS.sleep(100);
                }
                return most;
            });
            thread.shutdown();
            return running;
        }

        void stop(Future<?> running) throws Exception {
            stopped.set(true);
            running.get();
        }
    }
}
