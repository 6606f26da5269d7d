package dev.perdure.bench;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;

/** Instances that pass through a queue with many keys, while so many others go on waiting in it. */
final class QueueLoad implements AutoCloseable {

    static final int KEYS = 1_000;

    private static final long WATCH_MILLIS = 20;

    /**
     * Of the instances that were measured.
     *
     * @param seconds from the moment that the queue was let go on until as many instances of one step had completed
     * @param most effects of a key
     * @param least effects of a key; all waited from the beginning
     */
    record Outcome(double seconds, int most, int least) {}

    private final Connection connection;

    private QueueLoad(Connection connection) {
        this.connection = connection;
    }

    /**
     * Lets instances pass.
     *
     * @param count of those that are measured
     * @param behind how many others wait for as long as that takes
     * @param atOnce the concurrency of the queue
     */
    static Outcome passing(DatabaseUrl url, int count, int behind, int atOnce) throws Exception {
        try (QueueLoad load = new QueueLoad(url.connect())) {
            load.execute("DROP TABLE IF EXISTS bench_queue");
            load.execute("CREATE TABLE bench_queue (id bigint GENERATED ALWAYS AS IDENTITY, key int)");
            String name = "bench " + behind;
            load.execute("SELECT df.create_queue('" + name + "', concurrency => " + atOnce + "), df.pause_queue('" + name + "')");
            for (int from = 0; from < count + behind; from += 10_000) {
                load.execute("SELECT count(*) FROM df.start_many(df.sql('INSERT INTO bench_queue (key) VALUES ($1::int)', '{k}'),"
                        + " 'SELECT n % " + KEYS + " AS k FROM generate_series(" + from + ", " + (Math.min(from + 10_000, count + behind) - 1)
                        + ") AS n', '{\"queue\": \"" + name + "\", \"key\": \"{k}\"}')");
            }
            long begin = System.nanoTime();
            load.execute("SELECT df.resume_queue('" + name + "')");
            // What has begun last is counted; the ids say which were the first.
            while (load.number("SELECT coalesce(max(id), 0) FROM bench_queue") < count) {
                TimeUnit.MILLISECONDS.sleep(WATCH_MILLIS);
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            String spread = " FROM (SELECT count(q.id) AS n FROM generate_series(0, " + (KEYS - 1) + ") AS k LEFT JOIN bench_queue q ON q.key = k"
                    + " AND q.id <= " + count + " GROUP BY k) AS x";
            Outcome outcome =
                    new Outcome(seconds, (int) load.number("SELECT max(n)" + spread), (int) load.number("SELECT min(n)" + spread));
            load.execute("SELECT df.pause_queue('" + name + "')");
            return outcome;
        }
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private long number(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
