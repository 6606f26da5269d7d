package dev.perdure.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.config.DatabaseOptions;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.testing.DebianServer;
import dev.perdure.web.Dashboard;
import dev.perdure.web.Outside;
import dev.perdure.web.answer.AnswerCounts;
import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.api.Api;
import dev.perdure.web.login.Attempts;
import dev.perdure.web.login.Logins;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How long the HTTP API takes, and the longest statement of each answer, with as much in the database as large installations have: by
 * default 1,000,000 instances that have ended, 200,000 that wait, one of 10,000 nodes, a map of 100,000 items, all of the role that asks.
 * Debian's PostgreSQL with default settings, in a cluster of its own; what exists in numbers is copied in the database from what a worker did.
 *
 * <p>{@code ./mvnw -Pbench verify -Dbench.main=dev.perdure.bench.DashboardFigures}; system properties {@code figures.ended}, {@code
 * figures.waiting}, {@code figures.nodes}, {@code figures.items}, {@code figures.times} (15 requests of each kind).
 */
public final class DashboardFigures {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ROLE = "fig_user";

    private final DebianServer server = DebianServer.own(Map.of("shared_preload_libraries", "'pg_stat_statements'"));
    private final String database = server.newDatabase();
    private final Map<String, String> requests = new LinkedHashMap<>();
    private final HttpClient http = HttpClient.newHttpClient();
    private String cookie = "";
    private int port;

    private DashboardFigures() {}

    public static void main(String[] arguments) throws Exception {
        DashboardFigures figures = new DashboardFigures();
        try {
            figures.run();
        } finally {
            figures.server.close();
        }
        System.exit(0);
    }

    private void run() throws Exception {
        server.asSuperuser(database, "CREATE EXTENSION pg_stat_statements");
        server.createUser(ROLE, database);
        DatabaseUrl url = server.worker(database);
        Map<String, String> seeds;
        InProcessWorker worker = InProcessWorker.start(
                url, Map.of("perdure.login.passwords." + ROLE, DebianServer.password(ROLE)));
        try {
            seeds = seeds();
        } finally {
            worker.close();
        }
        copy(seeds);
        Vertx vertx = Vertx.vertx();
        Logins logins = Logins.of(
                url,
                SubmitterLogin.withoutPassword(),
                Duration.ofSeconds(5),
 null,
                new Logins.Limits(10, 1_800_000, 43_200_000, null),
                new Attempts(InstantSource.system()),
                InstantSource.system());
        Dashboard dashboard = new Dashboard(vertx, List.of(DatabaseOptions.DEFAULT), null, false)
                .serve(
                        DatabaseOptions.DEFAULT,
                        logins,
                        Outside.NONE,
                        new Api(new LeaderStatus()),
                        new AnswerDesk(url, "", InstantSource.system(), new AnswerCounts()));
        port = dashboard
                .listen(new HttpServerOptions().setHost("127.0.0.1").setPort(0))
                .toCompletionStage()
                .toCompletableFuture()
                .get();
        login();
        plan(seeds);
        System.out.printf("| request | median, ms | longest, ms | longest statement, ms | KB |%n|---|---:|---:|---:|---:|%n");
        for (Map.Entry<String, String> request : requests.entrySet()) {
            measure(request.getKey(), request.getValue());
        }
        openPage(seeds.get("waits"));
        dashboard.close();
        vertx.close();
    }

    /** Real instances, one of each kind. */
    private Map<String, String> seeds() throws Exception {
        int nodes = Integer.getInteger("figures.nodes", 10_000);
        int items = Integer.getInteger("figures.items", 100_000);
        Map<String, String> seeds = new LinkedHashMap<>();
        seeds.put("ends", start("SELECT df.start(df.seq(df.seq('SELECT 1 AS a', 'SELECT 2 AS b'), 'SELECT 3 AS c'), 'ends')"));
        seeds.put("fails", start("SELECT df.start(df.seq('SELECT 1 AS a', 'SELECT 1 / 0'), 'fails')"));
        seeds.put("waits", start("SELECT df.start(df.seq('SELECT 1', df.wait_for_signal('go')), 'waits')"));
        seeds.put("large", start("SELECT df.start(large(" + (nodes + 1) / 2 + "), 'large')"));
        seeds.put("map", start("SELECT df.start(df.map('SELECT n FROM generate_series(1, " + items
                + ") AS n', df.wait_for_signal('go')), 'map')"));
        await(seeds.get("ends"), "completed");
        await(seeds.get("fails"), "failed");
        await(seeds.get("large"), "completed");
        await("SELECT count(*) = 1 FROM df.nodes WHERE instance_id = '" + seeds.get("waits") + "' AND node_type = 'SIGNAL' AND status = 'running'");
        await("SELECT count(*) = 1 FROM df._map_progress WHERE instance_id = '" + seeds.get("map") + "' AND total = " + items);
        user("SELECT df.create_schedule('nightly', '30 2 * * *', 'SELECT 1')::text");
        user("SELECT df.create_queue('mail', concurrency => 2)::text");
        user("SELECT df.define('invoice', df.sql('SELECT $1::int AS n', '{n}'), '{\"n\": {\"type\": \"int\"}}')::text");
        return seeds;
    }

    private String start(String sql) throws SQLException {
        user(
                """
                CREATE OR REPLACE FUNCTION large(n integer) RETURNS text LANGUAGE sql AS $$
                SELECT CASE WHEN n = 1 THEN 'SELECT 1 AS a' ELSE df.seq(large(n / 2), large(n - n / 2)) END $$
                """);
        return user(sql);
    }

    private void await(String id, String status) throws Exception {
        await("SELECT status = '" + status + "' FROM df.instances WHERE id = '" + id + "'");
    }

    private void await(String condition) throws Exception {
        while (!"t".equals(user(condition))) {
            Thread.sleep(200);
        }
    }

    private String user(String sql) throws SQLException {
        try (Connection session =
                        server.url(ROLE, DebianServer.password(ROLE), database).connect();
                Statement statement = session.createStatement()) {
            if (!statement.execute(sql)) {
                return "";
            }
            try (ResultSet rows = statement.getResultSet()) {
                return rows.next() ? String.valueOf(rows.getString(1)) : "";
            }
        }
    }

    /** Rows as the worker writes them: over a day and a half, every thousandth has failed, and in between are those that wait. */
    private void copy(Map<String, String> seeds) {
        int ended = Integer.getInteger("figures.ended", 1_000_000);
        int waiting = Integer.getInteger("figures.waiting", 200_000);
        String instances =
                """
                SET session_replication_role = replica;
                CREATE TEMP TABLE copies AS
                    SELECT lpad(to_hex(OFFSET + n), 8, '0') AS id, n, now() - interval '0.13 s' * ((MANY - n) * 1000000.0 / MANY) AS at,
                        CASE WHEN WAITS THEN 'WAITING' WHEN n % 1000 = 0 THEN 'FAILING' ELSE 'ENDING' END AS of
                    FROM generate_series(1, MANY) AS n;
                INSERT INTO df.instances (id, label, root_node, status, submitted_by, database, created_at, updated_at, completed_at, started_at,
                    output, graph)
                SELECT c.id, 'order ' || c.n % 50000, i.root_node, i.status, i.submitted_by, i.database, c.at, c.at + interval '1 s',
                    c.at + (i.completed_at - i.created_at), c.at + (i.started_at - i.created_at), i.output, i.graph
                FROM copies c JOIN df.instances i ON i.id = c.of ORDER BY c.n;
                INSERT INTO df._checkpoints (instance_id, version, bytes, written_at, state)
                SELECT c.id, k.version, k.bytes, c.at + interval '1 s', k.state FROM copies c JOIN df._checkpoints k ON k.instance_id = c.of
                ORDER BY c.n, k.version;
                INSERT INTO df._inbox (instance_id, role, xid, wake_at, bytes)
                SELECT c.id, k.role, k.xid, k.wake_at, k.bytes FROM copies c JOIN df._inbox k ON k.instance_id = c.of;
                INSERT INTO df._attributes (instance_id, submitted_by, attributes, created_at)
                SELECT c.id, (SELECT i.submitted_by FROM df.instances i LIMIT 1), jsonb_build_object('customer', c.n % 5000, 'region', 'eu'), c.at
                FROM copies c WHERE c.n % 10 = 0;
                INSERT INTO df._attribute_entries (instance_id, submitted_by, entry, created_at)
                SELECT a.instance_id, a.submitted_by, e, a.created_at
                FROM df._attributes a JOIN copies c ON c.id = a.instance_id, df._entries_of(a.attributes) AS e;
                DROP TABLE copies;
                """
                        .replace("WAITING", seeds.get("waits"))
                        .replace("FAILING", seeds.get("fails"))
                        .replace("ENDING", seeds.get("ends"));
        server.asSuperuser(
                database,
                instances.replace("OFFSET", "268435456").replace("MANY", Integer.toString(ended)).replace("WAITS", "false"));
        server.asSuperuser(
                database,
                instances.replace("OFFSET", "536870912").replace("MANY", Integer.toString(waiting)).replace("WAITS", "true"));
        server.asSuperuser(
                database,
                """
                SET session_replication_role = replica;
                UPDATE df._map_items SET status = 'completed', result = '{"rows": []}', started_at = now(), completed_at = now()
                WHERE map_id = (SELECT m.id FROM df._maps m) AND ordinal % 5 < 3;
                UPDATE df._maps SET completed = (SELECT count(*) FROM df._map_items WHERE status = 'completed')
                """);
        server.asSuperuser(database, "VACUUM ANALYZE");
    }

    private void login() throws Exception {
        HttpResponse<String> entered = http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1/session"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(JSON.createObjectNode()
                                .put("role", ROLE)
                                .put("password", DebianServer.password(ROLE))
                                .toString()))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        cookie = entered.headers().firstValue("Set-Cookie").orElseThrow().split(";", 2)[0];
    }

    private void plan(Map<String, String> seeds) throws Exception {
        String large = seeds.get("large");
        String map = seeds.get("map");
        String mapNode = user("SELECT id FROM df.nodes WHERE instance_id = '" + map + "' AND node_type = 'MAP'");
        String leaf = user("SELECT id FROM df.nodes WHERE instance_id = '" + large + "' AND node_type = 'SQL' LIMIT 1");
        JsonNode page = JSON.readTree(get("/instances").body());
        requests.put("Instances, the first page", "/instances");
        requests.put("… the next page", "/instances?cursor=" + page.path("next").asText());
        requests.put("… `status=failed`, a thousandth", "/instances?status=failed");
        requests.put("… `status=cancelled`, none", "/instances?status=cancelled");
        requests.put("… `status=running,pending`, a sixth", "/instances?status=running,pending");
        requests.put("… `label`", "/instances?label=order%2077");
        requests.put("… `attributes`", "/instances?attributes=%7B%22customer%22%3A70%7D");
        requests.put("… `attributes` of all", "/instances?attributes=%7B%22region%22%3A%22eu%22%7D");
        requests.put("… `text` that is nowhere", "/instances?text=nowhere");
        requests.put("… `error` that is nowhere", "/instances?error=nowhere");
        requests.put("… `ended_after`, failed", "/instances?status=failed&ended_after=" + after(3_600));
        requests.put("… `ended_before`", "/instances?ended_before=" + after(30 * 3_600));
        requests.put("… `queue` with none", "/instances?queue=mail");
        requests.put("… `schedule` with none", "/instances?schedule=nightly");
        requests.put("… `definition` with none", "/instances?definition=invoice");
        requests.put("Summary of an hour", "/summary");
        requests.put("Summary of a week", "/summary?minutes=10080");
        requests.put("Instance that waits", "/instances/" + seeds.get("waits"));
        requests.put("Instance of 10,000 nodes", "/instances/" + large);
        requests.put("… one of its nodes", "/instances/" + large + "/nodes/" + leaf);
        requests.put("… its result", "/instances/" + large + "/nodes/" + leaf + "/result");
        requests.put("… as SQL", "/instances/" + large + "/sql");
        requests.put("Instance with a map of 100,000 items", "/instances/" + map);
        requests.put("… the first items", "/instances/" + map + "/items?node=" + mapNode);
        requests.put("… items in the middle", "/instances/" + map + "/items?node=" + mapNode + "&after=50000&limit=500");
        requests.put("Schedules", "/schedules");
        requests.put("Queues", "/queues");
        requests.put("Definitions", "/definitions");
        requests.put("Worker", "/worker");
    }

    private static String after(long seconds) {
        return java.time.Instant.now().minusSeconds(seconds).toString();
    }

    private HttpResponse<String> get(String path) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1" + path))
                        .header("Cookie", cookie)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private void measure(String what, String path) throws Exception {
        int times = Integer.getInteger("figures.times", 15);
        get(path);
        get(path);
        server.asSuperuser(database, "SELECT pg_stat_statements_reset()");
        double[] taken = new double[times];
        int bytes = 0;
        for (int i = 0; i < times; i++) {
            long began = System.nanoTime();
            HttpResponse<String> answer = get(path);
            taken[i] = (System.nanoTime() - began) / 1e6;
            bytes = answer.body().length();
            if (answer.statusCode() != 200) {
                System.out.println("| " + what + " | " + answer.statusCode() + " " + answer.body() + " | | | |");
                return;
            }
        }
        Arrays.sort(taken);
        System.out.printf(
                Locale.ROOT,
                "| %s | %.1f | %.1f | %.1f | %d |%n",
                what,
                taken[times / 2],
                taken[times - 1],
                longestStatement(),
                (bytes + 512) / 1024);
    }

    /** The mean of the statement that takes longest. */
    private double longestStatement() throws SQLException {
        try (Connection session = server.superuser(database).connect();
                Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery("SELECT coalesce(max(s.mean_exec_time), 0) FROM pg_stat_statements s"
                        + " JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = '" + ROLE + "'")) {
            row.next();
            return row.getDouble(1);
        }
    }

    /** What ten pages cost that are open: time of statements of their role, in parts of a core. */
    private void openPage(String waits) throws Exception {
        List<java.io.InputStream> open = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            String path = i < 5 ? "/changes" : "/instances/" + waits + "/events";
            open.add(http.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1" + path))
                                    .header("Cookie", cookie)
                                    .build(),
                            HttpResponse.BodyHandlers.ofInputStream())
                    .body());
        }
        Thread.sleep(2_000);
        server.asSuperuser(database, "SELECT pg_stat_statements_reset()");
        int seconds = 20;
        Thread.sleep(seconds * 1_000L);
        try (Connection session = server.superuser(database).connect();
                Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery("SELECT sum(s.total_exec_time + s.total_plan_time), max(s.calls) FILTER (WHERE s.query LIKE '%stamp%'),"
                        + " max(s.mean_exec_time) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = '" + ROLE + "'")) {
            row.next();
            System.out.printf(
                    Locale.ROOT,
                    "%n10 streams of two things for %d s: %.2f %% of a core in statements, %d readings of one of them, longest statement %.1f ms%n",
                    seconds,
                    row.getDouble(1) / seconds / 10,
                    row.getLong(2),
                    row.getDouble(3));
        }
        for (java.io.InputStream each : open) {
            each.close();
        }
    }
}
