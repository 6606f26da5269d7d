package dev.perdure.bench;

import com.sun.net.httpserver.HttpServer;
import dev.perdure.database.DatabaseUrl;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A map that runs, and what {@link Benchmark} asks of it. */
final class MapLoad implements AutoCloseable {

    private static final long WATCH_MILLIS = 20;

    /** More than a map has in work by default, items that share transactions included. */
    private static final int AHEAD = 100;

    /** @param frozenAfter seconds from the start until the items were written down, which are part of {@code seconds} */
    record Outcome(double seconds, double frozenAfter) {}

    /**
     * @param mostAtOnce requests that the service had at the same time
     * @param requests with those that were repeated
     */
    record HttpOutcome(double seconds, int mostAtOnce, int requests) {}

    private final Connection connection;
    private final String id;

    private MapLoad(Connection connection, String id) {
        this.connection = connection;
        this.id = id;
    }

    static MapLoad start(DatabaseUrl url, String body, int items) throws SQLException {
        return start(url, "df.map(?, ?)", body, items);
    }

    private static MapLoad start(DatabaseUrl url, String map, String body, int items) throws SQLException {
        Connection connection = url.connect();
        try (PreparedStatement start = connection.prepareStatement("SELECT df.start(" + map + ")")) {
            start.setString(1, "SELECT g AS id, 'item ' || g AS name FROM generate_series(1, " + items + ") AS g");
            start.setString(2, body);
            try (ResultSet row = start.executeQuery()) {
                row.next();
                return new MapLoad(connection, row.getString(1));
            }
        }
    }

    /** One map, from df.start to its end. */
    static Outcome toItsEnd(DatabaseUrl url, String body, int items) throws Exception {
        long begin = System.nanoTime();
        try (MapLoad map = start(url, body, items)) {
            while (!map.one("SELECT EXISTS (SELECT FROM df.map_items WHERE instance_id = ? AND ordinal = 1)").equals("t")) {
                TimeUnit.MILLISECONDS.sleep(WATCH_MILLIS);
            }
            double frozenAfter = seconds(begin);
            map.awaitEnd();
            return new Outcome(seconds(begin), frozenAfter);
        }
    }

    /** One request an item; the service answers one in ten with 503 when it is asked for the first time. */
    static HttpOutcome requests(DatabaseUrl url, int items, int atOnce) throws Exception {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger requests = new AtomicInteger();
        Set<String> refused = ConcurrentHashMap.newKeySet();
        ExecutorService threads = Executors.newFixedThreadPool(2 * atOnce);
        HttpServer service = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        service.setExecutor(threads);
        service.createContext("/", exchange -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            requests.incrementAndGet();
            String item = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            boolean isRefused = item.endsWith("0\"}") && refused.add(item);
            now.decrementAndGet();
            exchange.sendResponseHeaders(isRefused ? 503 : 204, -1);
            exchange.close();
        });
        service.start();
        long begin = System.nanoTime();
        String body = "df.retry(df.http('http://127.0.0.1:" + service.getAddress().getPort()
                + "/', 'POST', '{\"name\": \"$item.name\"}', expect => '2xx'), 5, '10 ms')";
        try (MapLoad map = start(url, "df.map(?, (SELECT " + body + " WHERE ? <> ''), max_concurrent => " + atOnce + ")", "-", items)) {
            map.awaitEnd();
            return new HttpOutcome(seconds(begin), most.get(), requests.get());
        } finally {
            service.stop(0);
            threads.shutdown();
        }
    }

    /** Until an item has completed; they begin in their order. */
    void awaitCompleted(long ordinal) throws Exception {
        while (!isCompleted(ordinal)) {
            if (isOver()) {
                throw new IllegalStateException("The map was over before item " + ordinal + " had completed");
            }
            TimeUnit.MILLISECONDS.sleep(WATCH_MILLIS);
        }
    }

    boolean isOver() throws SQLException {
        String status = status();
        if (status.startsWith("failed")) {
            throw new IllegalStateException("The map has " + status);
        }
        return !status.equals("pending") && !status.equals("running");
    }

    /** Cancels it, and gives the seconds from the commit until the last of its items has ended. */
    double cancel() throws Exception {
        one("SELECT df.cancel(?)");
        long begin = System.nanoTime();
        while (!one("SELECT output IS NOT NULL FROM df.instances WHERE id = ?").equals("t")) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        return seconds(begin);
    }

    /** Seconds until an item has completed that had not begun. */
    double nextAfter(long items) throws Exception {
        long begin = System.nanoTime();
        long completed = 0;
        for (long open = items; open - completed > 1; ) {
            long middle = (completed + open) / 2;
            if (isCompleted(middle)) {
                completed = middle;
            } else {
                open = middle;
            }
        }
        awaitCompleted(completed + AHEAD);
        return seconds(begin);
    }

    private void awaitEnd() throws Exception {
        while (!isOver()) {
            TimeUnit.MILLISECONDS.sleep(WATCH_MILLIS);
        }
    }

    private boolean isCompleted(long ordinal) throws SQLException {
        return one("SELECT coalesce(bool_and(status = 'completed'), false) FROM df.map_items WHERE instance_id = ? AND ordinal = " + ordinal)
                .equals("t");
    }

    private String status() throws SQLException {
        return one("SELECT CASE status WHEN 'failed' THEN 'failed: ' || coalesce(output, '') ELSE status END FROM df.instances WHERE id = ?");
    }

    private String one(String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, id);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    private static double seconds(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
