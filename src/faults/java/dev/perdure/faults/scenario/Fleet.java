package dev.perdure.faults.scenario;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.world.FaultProxy;
import dev.perdure.faults.world.Folders;
import dev.perdure.faults.world.Server;
import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * Four databases, each on a server of its own, and two workers that serve all of them. One database is broken in each way, while each of
 * the others is given as much work as before: how much of it is done, and how long an instance takes.
 */
public final class Fleet implements Scenario {

    private static final String[] NAMES = {"default", "second", "third", "fourth"};
    /** Instances that are started in a database, per second. */
    private static final int RATE = Integer.getInteger("faults.fleet.rate", 20);

    private static final int STEPS = 3;
    private static final double TOLERANCE = 0.1;

    @Override
    public String name() {
        return "fleet";
    }

    @Override
    public String promise() {
        return "whatever one of four databases does, the three others get done what they are given, and nothing is lost or doubled";
    }

    /** A way to break a database. */
    private record Way(String name, Act begin, Act end) {}

    private interface Act {
        void on(One database) throws Exception;
    }

    private static List<Way> ways() {
        return List.of(
                new Way("frozen network", one -> one.proxy.stall(true, true), one -> one.proxy.flow()),
                new Way("cut off", one -> one.proxy.cut(), one -> one.proxy.letIn()),
                new Way("server killed", one -> one.server.crash(), one -> one.server.restart()),
                new Way(
                        "login refused",
                        one -> one.execute("ALTER ROLE df_worker NOLOGIN", END_SESSIONS),
                        one -> one.execute("ALTER ROLE df_worker LOGIN")),
                new Way(
                        "read only",
                        one -> one.execute(
                                "ALTER ROLE df_worker SET default_transaction_read_only = on",
                                "ALTER ROLE app SET default_transaction_read_only = on",
                                END_SESSIONS),
                        one -> one.execute(
                                "ALTER ROLE df_worker RESET default_transaction_read_only",
                                "ALTER ROLE app RESET default_transaction_read_only",
                                END_SESSIONS)),
                new Way("tables locked", One::lock, One::unlock),
                new Way("no connections left", One::exhaust, One::release));
    }

    private static final String END_SESSIONS =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'perdure%'";

    /** One database of the fleet, with what works on it. */
    private static final class One implements AutoCloseable {

        private final String name;
        private final Server server;
        private final FaultProxy proxy;
        private final List<Connection> held = new ArrayList<>();
        private final Thread starter = new Thread(this::startAll);
        private volatile boolean ended;
        private volatile boolean paused;
        private volatile long started;

        One(String name, Path folder) throws SQLException {
            this.name = name;
            this.server = Server.start(folder.resolve(name));
            this.proxy = new FaultProxy(server.port());
            execute("CREATE TABLE app.fleet (instance text, step int, at timestamptz DEFAULT clock_timestamp())",
                    "GRANT ALL ON app.fleet TO public");
            starter.setDaemon(true);
        }

        String url() {
            return DatabaseUrl.parse("postgresql://127.0.0.1:" + proxy.port() + "/")
                    .withUser("df_worker", null)
                    .withDatabase(server.url("df_worker").database())
                    .toUri();
        }

        void execute(String... statements) throws SQLException {
            try (Connection connection = server.connect("postgres");
                    Statement statement = connection.createStatement()) {
                for (String sql : statements) {
                    statement.execute(sql);
                }
            }
        }

        long number(String sql) throws SQLException {
            try (Connection connection = server.connect("postgres");
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(sql)) {
                row.next();
                return row.getLong(1);
            }
        }

        void lock() throws SQLException {
            Connection connection = server.connect("postgres");
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute("LOCK TABLE df.instances, df._checkpoints IN ACCESS EXCLUSIVE MODE");
            }
            held.add(connection);
        }

        void unlock() throws SQLException {
            release();
        }

        void exhaust() throws SQLException {
            try {
                while (true) {
                    held.add(server.connect(LedgerTables.APP));
                }
            } catch (SQLException e) {
                execute(END_SESSIONS);
                try {
                    while (true) {
                        held.add(server.connect(LedgerTables.APP));
                    }
                } catch (SQLException full) {
                    return;
                }
            }
        }

        void release() throws SQLException {
            for (Connection connection : held) {
                connection.close();
            }
            held.clear();
        }

        /** So many a second, whatever happens to those before; none while it is paused. */
        private void startAll() {
            String sql = "SELECT df.start(" + String.join(" ~> ", steps()) + ", 'fleet')";
            long next = System.nanoTime();
            while (!ended) {
                next += TimeUnit.SECONDS.toNanos(1) / RATE;
                try (Connection connection = paused ? null : server.connect(LedgerTables.APP)) {
                    while (!ended && !paused && connection != null) {
                        try (Statement statement = connection.createStatement()) {
                            statement.executeQuery(sql).close();
                            started++;
                        }
                        sleepUntil(next);
                        next += TimeUnit.SECONDS.toNanos(1) / RATE;
                    }
                } catch (SQLException e) {
                    // It is the broken one.
                }
                sleepUntil(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(100));
                next = System.nanoTime();
            }
        }

        private static List<String> steps() {
            List<String> steps = new ArrayList<>();
            for (int step = 1; step <= STEPS; step++) {
                steps.add("'INSERT INTO app.fleet (instance, step) VALUES (''{sys_instance_id}'', " + step + ")'");
            }
            return steps;
        }

        private static void sleepUntil(long nanos) {
            try {
                TimeUnit.NANOSECONDS.sleep(Math.max(0, nanos - System.nanoTime()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** Instances that ended within the last seconds, and how long nine of ten of those took, in milliseconds. */
        long[] done(int seconds) throws SQLException {
            try (Connection connection = server.connect("postgres");
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT count(*),"
                            + " coalesce(1000 * percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - created_at)), 0)::bigint"
                            + " FROM df.instances WHERE completed_at > clock_timestamp() - interval '" + seconds
                            + " s'")) {
                row.next();
                return new long[] {row.getLong(1), row.getLong(2)};
            }
        }

        @Override
        public void close() {
            ended = true;
            proxy.close();
            server.close();
        }
    }

    @Override
    public Verdict run(Session session) throws Exception {
        Path folder = Files.createTempDirectory("perdure-fleet");
        List<One> all = new ArrayList<>();
        List<WorkerProcess> workers = new ArrayList<>();
        try {
            for (String name : NAMES) {
                all.add(new One(name, folder));
            }
            String[] settings = new String[NAMES.length];
            for (int i = 1; i < NAMES.length; i++) {
                settings[i - 1] = "perdure.databases." + NAMES[i] + ".url=" + all.get(i).url();
            }
            settings[NAMES.length - 1] = "perdure.leader.spread-interval=10s";
            for (int i = 0; i < 2; i++) {
                workers.add(WorkerProcess.start(DatabaseUrl.parse(all.get(0).url()), settings));
            }
            String spread = awaitSpread(workers);
            all.forEach(one -> one.starter.start());
            return measure(session, all, workers, spread);
        } finally {
            workers.forEach(WorkerProcess::close);
            all.forEach(One::close);
            Folders.delete(folder);
        }
    }

    private static String awaitSpread(List<WorkerProcess> workers) {
        long began = System.nanoTime();
        Awaitility.await("two databases each")
                .atMost(World.PATIENCE)
                .ignoreExceptionsMatching(IOException.class::isInstance)
                .until(() -> led(workers.get(0)) == 2 && led(workers.get(1)) == 2);
        return "each of two workers led two of four databases after %d s"
                .formatted((System.nanoTime() - began) / 1_000_000_000);
    }

    private static int led(WorkerProcess worker) throws IOException, InterruptedException {
        int led = 0;
        for (String line : worker.get("/q/metrics").lines().toList()) {
            led += line.startsWith("perdure_leader{") && line.endsWith(" 1") ? 1 : 0;
            led += line.startsWith("perdure_leader{") && line.endsWith(" 1.0") ? 1 : 0;
        }
        return led;
    }

    private static Verdict measure(Session session, List<One> all, List<WorkerProcess> workers, String spread)
            throws Exception {
        int seconds = session.size(10, 30);
        StringBuilder text = new StringBuilder(spread);
        List<String> bad = new ArrayList<>();
        TimeUnit.SECONDS.sleep(seconds + 5);
        int turn = 0;
        for (Way way : ways()) {
            One broken = all.get(turn++ % all.size());
            List<One> others = all.stream().filter(one -> one != broken).toList();
            TimeUnit.SECONDS.sleep(seconds);
            long[] before = sums(others, seconds);
            way.begin().on(broken);
            try {
                TimeUnit.SECONDS.sleep(seconds + 2);
                long[] during = sums(others, seconds);
                double ratio = (double) during[0] / before[0];
                boolean ready = workers.stream().allMatch(worker -> worker.health("ready") == 200);
                text.append(String.format(
                        Locale.ROOT,
                        "%n    %-20s %-8s the others: %.1f instances/s before, %.1f while it was broken: %.2f; nine of ten took up to %d ms, %d ms%s",
                        way.name(),
                        broken.name,
                        (double) before[0] / seconds,
                        (double) during[0] / seconds,
                        ratio,
                        before[1],
                        during[1],
                        ready ? "" : "; a worker was not ready"));
                if (ratio < 1 - TOLERANCE || !ready) {
                    bad.add(way.name());
                }
            } finally {
                way.end().on(broken);
            }
            long began = System.nanoTime();
            long mark = broken.number("SELECT count(*) FROM df.instances WHERE status = 'completed'");
            Awaitility.await(way.name() + ": " + broken.name + " works again")
                    .atMost(World.PATIENCE)
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() ->
                            broken.number("SELECT count(*) FROM df.instances WHERE status = 'completed'") > mark + RATE);
            text.append(String.format("; back after %d ms", (System.nanoTime() - began) / 1_000_000));
        }
        for (WorkerProcess worker : workers) {
            text.append(size(worker));
        }
        for (One one : all) {
            text.append(String.format(
                    "%n    %s: %d connections of workers",
                    one.name, one.number("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'perdure%'")));
        }
        all.forEach(one -> one.paused = true);
        for (One one : all) {
            // Terms that end with a database, one after the other, look like the doing of what was worked on.
            one.execute("SELECT df.resume(instance_id) FROM df._tries WHERE set_aside_at IS NOT NULL");
            Awaitility.await(one.name + " is done")
                    .atMost(World.PATIENCE)
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() -> one.number(
                                    "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')")
                            == 0);
            check(one, bad, text);
        }
        return bad.isEmpty()
                ? Verdict.passed(text.toString())
                : Verdict.failed(String.join(", ", bad) + ": " + text);
    }

    /** Memory and threads of a worker that leads some of the databases. */
    private static String size(WorkerProcess worker) throws IOException, InterruptedException {
        List<String> status = Files.readAllLines(Path.of("/proc", Long.toString(worker.pid()), "status"));
        return status.stream()
                .filter(line -> line.startsWith("VmRSS") || line.startsWith("Threads"))
                .map(line -> line.replaceAll("\\s+", " "))
                .reduce(String.format("%n    a worker that leads %d:", led(worker)), (a, b) -> a + " " + b);
    }

    /** Of several databases together: instances, and the longest time of nine of ten. */
    private static long[] sums(List<One> databases, int seconds) throws SQLException {
        long[] sums = new long[2];
        for (One one : databases) {
            long[] done = one.done(seconds);
            sums[0] += done[0];
            sums[1] = Math.max(sums[1], done[1]);
        }
        return sums;
    }

    private static void check(One one, List<String> bad, StringBuilder text) throws SQLException {
        long instances = one.number("SELECT count(*) FROM df.instances");
        long failed = one.number("SELECT count(*) FROM df.instances WHERE status <> 'completed'");
        long doubled =
                one.number("SELECT count(*) FROM (SELECT FROM app.fleet GROUP BY instance, step HAVING count(*) > 1) t");
        long lost = instances * STEPS
                - one.number("SELECT count(*) FROM (SELECT DISTINCT instance, step FROM app.fleet) t");
        text.append(String.format(
                "%n    %s: %d instances, %d not completed, %d steps lost, %d doubled",
                one.name, instances, failed, lost, doubled));
        if (instances < one.started || failed > 0 || lost != 0 || doubled > 0) {
            bad.add(one.name + " is not as it must be");
        }
    }
}
