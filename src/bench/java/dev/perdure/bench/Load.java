package dev.perdure.bench;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** The loads that {@link Benchmark} measures. */
final class Load {

    /**
     * What a load of instances came to.
     *
     * @param ended instances, also those that ended while the load was being taken away
     * @param inFlight instances that were started and not ended, on average
     * @param latenciesMillis from {@code created_at} to {@code completed_at}, by the server's clock
     */
    record Outcome(long ended, double stepsPerSecond, double inFlight, double[] latenciesMillis) {}

    /** Three steps. */
    static final String START = "SELECT df.start(? ~> ? ~> ?, 'bench')".replace("~>", "OPERATOR(public.~>)");

    static final String START_ONE_STEP = "SELECT df.start(?, 'bench')";

    /** Asked as the owner: nobody else needs to know it so often that looking through df.instances would count. */
    private static final String RUNNING = "SELECT count(*) FROM df._inbox";

    /** How often a load of instances is looked at: seldom enough that it costs next to nothing. */
    private static final long WATCH_MILLIS = 50;

    private Load() {}

    /** One-row updates, each committed, from several sessions: what the server can do at most. */
    static double bareCommits(DatabaseUrl url, int sessions, Duration time) throws Exception {
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE bench_bare");
            statement.execute("INSERT INTO bench_bare SELECT g, 0 FROM generate_series(1, " + sessions + ") g");
        }
        long end = System.nanoTime() + time.toNanos();
        List<Callable<Long>> tasks = new ArrayList<>();
        for (int i = 1; i <= sessions; i++) {
            int id = i;
            tasks.add(() -> {
                long commits = 0;
                try (Connection connection = url.connect();
                        PreparedStatement update =
                                connection.prepareStatement("UPDATE bench_bare SET n = n + 1 WHERE id = ?")) {
                    update.setInt(1, id);
                    while (System.nanoTime() < end) {
                        update.executeUpdate();
                        commits++;
                    }
                }
                return commits;
            });
        }
        return total(tasks) / (double) time.toSeconds();
    }

    /** Starts instances of three steps as fast as they end, up to a number at once. */
    static Outcome instances(Place place, String step, Duration time, int starters, int inFlight) throws Exception {
        return instances(place, 3, step, time, starters, inFlight);
    }

    /** The same of one step or three. */
    static Outcome instances(Place place, int steps, String step, Duration time, int starters, int inFlight)
            throws Exception {
        DatabaseUrl url = place.user();
        Semaphore permits = new Semaphore(inFlight);
        AtomicLong started = new AtomicLong();
        LongSummaryStatistics inFlightSeen = new LongSummaryStatistics();
        long begin = System.nanoTime();
        long end = begin + time.toNanos();
        try (Connection watch =
                place.owner().withParameter("application_name", "bench watch").connect()) {
            String since = one(watch, "SELECT clock_timestamp()");
            List<Callable<Long>> tasks = new ArrayList<>();
            for (int i = 0; i < starters; i++) {
                tasks.add(() -> {
                    try (Connection connection =
                                    url.withParameter("application_name", "bench start").connect();
                            PreparedStatement start = prepare(connection, steps == 1 ? START_ONE_STEP : START, step)) {
                        while (System.nanoTime() < end) {
                            if (permits.tryAcquire(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                                start.executeQuery().close();
                                started.incrementAndGet();
                            }
                        }
                    }
                    return 0L;
                });
            }
            tasks.add(() -> {
                long known = 0;
                try (PreparedStatement running = watch.prepareStatement(RUNNING)) {
                    while (System.nanoTime() < end) {
                        TimeUnit.MILLISECONDS.sleep(WATCH_MILLIS);
                        long before = started.get();
                        long now = count(running);
                        inFlightSeen.accept(now);
                        long ended = before - now;
                        if (ended > known) {
                            permits.release((int) (ended - known));
                            known = ended;
                        }
                    }
                }
                return 0L;
            });
            total(tasks);
            String completed = " FROM df.instances WHERE label = 'bench' AND status = 'completed' AND created_at >= '"
                    + since + "'";
            long count = Long.parseLong(one(watch, "SELECT count(*)" + completed + " AND completed_at <= '" + since
                    + "'::timestamptz + interval '" + time.toMillis() + " ms'"));
            drain(watch);
            double[] latencies = latencies(
                    watch, "SELECT extract(epoch FROM completed_at - created_at) * 1000" + completed);
            return new Outcome(
                    latencies.length, count * steps * 1000.0 / time.toMillis(), inFlightSeen.getAverage(), latencies);
        }
    }

    /** Milliseconds of a call of df.start in one transaction that is rolled back: no commit, no worker. */
    static double startAlone(DatabaseUrl url, String step, int calls) throws SQLException {
        try (Connection connection = url.connect();
                PreparedStatement start = connection.prepareStatement(
                        "SELECT count(df.start(? OPERATOR(public.~>) ? OPERATOR(public.~>) ?, 'alone')) FROM generate_series(1, ?)")) {
            connection.setAutoCommit(false);
            for (int i = 1; i <= 3; i++) {
                start.setString(i, step);
            }
            start.setInt(4, calls);
            double best = Double.MAX_VALUE;
            for (int times = 0; times < 5; times++) {
                long before = System.nanoTime();
                start.executeQuery().close();
                best = Math.min(best, (System.nanoTime() - before) / 1e6 / calls);
                connection.rollback();
            }
            return best;
        }
    }

    /** Instances a second that one call of df.start_many starts. They are cancelled by rolling back. */
    static double startMany(DatabaseUrl url, int items) throws SQLException {
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            long before = System.nanoTime();
            statement
                    .executeQuery("SELECT count(*) FROM df.start_many('SELECT {n}', 'SELECT n FROM generate_series(1, "
                            + items + ") n')")
                    .close();
            double seconds = (System.nanoTime() - before) / 1e9;
            connection.rollback();
            return items / seconds;
        }
    }

    /** One instance after the other: the client's time from df.start to df.await_instance's answer. */
    static double[] oneByOne(DatabaseUrl url, String call, String step, Duration time) throws Exception {
        List<Double> millis = new ArrayList<>();
        long end = System.nanoTime() + time.toNanos();
        try (Connection connection = url.connect();
                PreparedStatement start = prepare(connection, call, step);
                PreparedStatement await = connection.prepareStatement("SELECT df.await_instance(?)")) {
            while (System.nanoTime() < end) {
                millis.add(once(start, await));
            }
        }
        return millis.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** The same with pauses that let the worker go idle. */
    static double[] afterPauses(DatabaseUrl url, String call, String step, int times, Duration pause) throws Exception {
        double[] millis = new double[times];
        try (Connection connection = url.connect();
                PreparedStatement start = prepare(connection, call, step);
                PreparedStatement await = connection.prepareStatement("SELECT df.await_instance(?)")) {
            for (int i = 0; i < times; i++) {
                TimeUnit.MILLISECONDS.sleep(pause.toMillis());
                millis[i] = once(start, await);
            }
        }
        return millis;
    }

    private static double once(PreparedStatement start, PreparedStatement await) throws SQLException {
        long before = System.nanoTime();
        try (ResultSet id = start.executeQuery()) {
            id.next();
            await.setString(1, id.getString(1));
        }
        try (ResultSet status = await.executeQuery()) {
            status.next();
            if (!status.getString(1).equals("completed")) {
                throw new IllegalStateException("an instance of the benchmark ended " + status.getString(1));
            }
        }
        return (System.nanoTime() - before) / 1e6;
    }

    private static PreparedStatement prepare(Connection connection, String call, String step) throws SQLException {
        PreparedStatement start = connection.prepareStatement(call);
        for (int i = 1; i <= start.getParameterMetaData().getParameterCount(); i++) {
            start.setString(i, step);
        }
        return start;
    }

    private static void drain(Connection watch) throws SQLException, InterruptedException {
        while (!one(watch, RUNNING).equals("0")) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    /** Executes statements. */
    static void execute(DatabaseUrl url, String... statements) throws SQLException {
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static double[] latencies(Connection connection, String sql) throws SQLException {
        List<Double> values = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                values.add(rows.getDouble(1));
            }
        }
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static long count(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** The first column of the first row. */
    static String one(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private static long total(List<Callable<Long>> tasks) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
        try {
            long sum = 0;
            for (Future<Long> future : threads.invokeAll(tasks)) {
                sum += future.get();
            }
            return sum;
        } finally {
            threads.shutdown();
        }
    }
}
