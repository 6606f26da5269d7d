package dev.perdure.bench;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.schema.Migration;
import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.PostgresServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Prints steps per second on Citus: in a database of the coordinator alone, as one server, then with two of its nodes and with all. Each
 * time the bare one-row commits of the same sessions on the same servers, and the processor time by server, twice. The steps of an instance
 * write on one shard, those of different instances on different ones. Small steps insert a row; large ones count 30,000 rows of their shard.
 *
 * <p>{@code ./mvnw -Pbench verify -Dbench.main=dev.perdure.bench.CitusFigures
 * -Dperdure.citus.url=postgresql://postgres@127.0.0.1:5432/db}; system properties {@code bench.seconds} (10), {@code bench.warmup} (60),
 * {@code bench.concurrent} (16), {@code bench.inflight} (200), as in {@link Benchmark}.
 */
public final class CitusFigures {

    private static final String USER = "citus_bench";
    private static final int KEYS = 20;
    private static final int ROWS_OF_A_KEY = 30_000;
    private static final String SMALL =
            "INSERT INTO bench_effects (k, n) VALUES (hashtext('{sys_instance_id}'), 1) RETURNING n";
    private static final String LARGE = "INSERT INTO bench_effects (k, n) SELECT k, count(*) FROM bench_facts WHERE k ="
            + " abs(hashtext('{sys_instance_id}') % " + KEYS + ") AND v LIKE '%7%' GROUP BY k";

    private final Duration time = Duration.ofSeconds(Long.getLong("bench.seconds", 10));
    private final Duration warmUp = Duration.ofSeconds(Long.getLong("bench.warmup", 60));
    private final int sessions = Integer.getInteger("bench.concurrent", 16);
    private final int inFlight = Integer.getInteger("bench.inflight", 200);

    private CitusFigures() {}

    public static void main(String[] arguments) throws Exception {
        if (!CitusCluster.isThere()) {
            throw new IllegalArgumentException(CitusCluster.missing());
        }
        CitusFigures figures = new CitusFigures();
        int all = figures.on(0);
        figures.on(Math.min(2, all));
        if (all > 2) {
            figures.on(all);
        }
        System.exit(0);
    }

    /** With so many nodes behind the coordinator; how many there are. */
    private int on(int nodes) throws Exception {
        Path folder = Files.createTempDirectory("perdure-bench");
        try (CitusCluster cluster = CitusCluster.empty()) {
            if (nodes > 0) {
                cluster.addNodes(nodes);
            }
            Migration.migrate(cluster.url(PostgresServer.OWNER));
            cluster.createUser(USER);
            tables(cluster, nodes);
            DatabaseUrl user = cluster.url(USER);
            Place place = new Place(
                    nodes == 0 ? "one server" : "Citus, " + nodes + " nodes",
                    cluster.url(PostgresServer.OWNER),
                    user,
                    user,
                    cluster.url("postgres"),
                    Map.of());
            Map<String, DatabaseUrl> servers = new TreeMap<>(Map.of("coordinator", place.admin()));
            for (int i = 1; i <= nodes; i++) {
                servers.put("node " + i, cluster.superuser(cluster.nodes().get(i)));
            }
            try (WorkerProcess worker = WorkerProcess.start(place, folder.resolve("worker.log"))) {
                Load.instances(place, SMALL, warmUp, sessions, inFlight);
                for (int i = 1; i <= 2; i++) {
                    measure(place, servers, worker);
                }
            }
            return cluster.nodes().size() - 1;
        }
    }

    private static void tables(CitusCluster cluster, int nodes) throws Exception {
        List<String> statements = new ArrayList<>(List.of(
                "CREATE TABLE bench_effects (k int, n int)",
                "CREATE TABLE bench_bare (id int PRIMARY KEY, n int)",
                "CREATE TABLE bench_facts (k int, v text)"));
        if (nodes > 0) {
            statements.add("SELECT create_distributed_table('bench_effects', 'k', shard_count := 12)");
            statements.add("SELECT create_distributed_table('bench_facts', 'k', colocate_with := 'bench_effects')");
            statements.add("SELECT create_distributed_table('bench_bare', 'id', colocate_with := 'bench_effects')");
        }
        statements.add("INSERT INTO bench_facts SELECT g % " + KEYS + ", md5(g::text) FROM generate_series(1, "
                + KEYS * ROWS_OF_A_KEY + ") AS g");
        statements.add("CREATE INDEX ON bench_facts (k)");
        statements.add("ANALYZE bench_facts");
        Load.execute(cluster.url(USER), statements.toArray(String[]::new));
    }

    private void measure(Place place, Map<String, DatabaseUrl> servers, WorkerProcess worker) throws Exception {
        double bare = Load.bareCommits(place.user(), sessions, time);
        System.out.printf(
                Locale.ROOT, "%s: bare one-row commits, %d sessions: %,.0f /s%n", place.name(), sessions, bare);
        load(place, servers, worker, "small steps, three in an instance", 3, SMALL, bare);
        load(place, servers, worker, "small steps, one in an instance", 1, SMALL, bare);
        load(place, servers, worker, "large steps, one in an instance", 1, LARGE, bare);
    }

    private void load(
            Place place, Map<String, DatabaseUrl> servers, WorkerProcess worker, String what, int steps, String step, double bare)
            throws Exception {
        Load.Outcome outcome = ProcessorTime.of(
                servers,
                List.of(worker.pid()),
                "instance",
                () -> Load.instances(place, steps, step, time, sessions, inFlight),
                Load.Outcome::ended);
        System.out.printf(
                Locale.ROOT,
                "%s: %s: %,.0f steps/s, ratio %.3f%n",
                place.name(),
                what,
                outcome.stepsPerSecond(),
                outcome.stepsPerSecond() / bare);
    }
}
