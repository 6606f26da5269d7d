package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.perdure.leader.LeaderStatus.Role;
import dev.perdure.schema.Migration;
import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.CitusNode;
import dev.perdure.testing.PostgresServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nodes of Citus that come, go and are not as they must be. Skipped without {@code -Dperdure.citus.url}. */
@EnabledIf(value = "isThere", disabledReason = "no coordinator of Citus is given (-Dperdure.citus.url)")
class CitusNodesTest {

    private static final String OWNER = PostgresServer.OWNER;
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    static boolean isThere() {
        return CitusCluster.isThere();
    }

    private static Submitter app(CitusCluster cluster) throws SQLException {
        cluster.createUser("citus_app");
        Submitter app = Submitter.at(cluster.url("citus_app"));
        app.execute("CREATE TABLE one (k int, v text)");
        app.value("SELECT create_distributed_table('one', 'k', shard_count := 8)");
        return app;
    }

    private static void awaitStatus(InProcessWorker worker, Role role, String detail) {
        await(role + ", " + detail)
                .atMost(PATIENCE)
                .until(() -> worker.leaderStatus().role() == role
                        && worker.leaderStatus().detail().contains(detail));
    }

    @Test
    void a_step_waits_for_a_node_that_is_away_and_has_used_up_no_attempt() throws SQLException {
        try (CitusCluster cluster = CitusCluster.create().orElseThrow();
                InProcessWorker worker =
                        InProcessWorker.start(cluster.url(OWNER), Map.of("perdure.step.transient-retries", "0"));
                Submitter app = app(cluster)) {
            CitusNode node = cluster.nodes().get(1);
            String id;
            node.crash();
            try {
                id = app.start("'INSERT INTO one SELECT g, ''x'' FROM generate_series(1, 40) AS g'");
                app.awaitValue("running", "SELECT status FROM df.instances WHERE id = ?", id);
                // What meets other nodes only goes on.
                await().atMost(PATIENCE).until(() -> {
                    var other = app.run("'INSERT INTO one VALUES ("
                            + keyOn(app, cluster.nodes().get(2)) + ", ''y'')'");
                    return other.status().equals("completed");
                });
                assertThat(worker.leaderStatus().role()).isEqualTo(Role.LEADER);
            } finally {
                node.start();
            }

            var ended = app.await(id);

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM one WHERE v = 'x'")).isEqualTo("40");
            assertThat(app.node(id, "INSERT", "attempt")).isEqualTo("1");
        }
    }

    /** Until the leader has seen the nodes, starts are refused. */
    private static Submitter.Ended runWhenReady(Submitter app) {
        return await("schema df is ready for the nodes")
                .atMost(PATIENCE)
                .ignoreExceptionsMatching(e -> e instanceof SQLException sql && "DF006".equals(sql.getSQLState()))
                .until(() -> app.run("'INSERT INTO one VALUES (1, ''x'')'"), ended -> true);
    }

    private static String keyOn(Submitter app, CitusNode node) throws SQLException {
        return String.valueOf(app.value(
                "SELECT g FROM generate_series(1, 100) AS g JOIN citus_shards s"
                        + " ON s.shardid = get_shard_id_for_distribution_column('one', g) AND s.nodeport = ? LIMIT 1",
                node.port()));
    }

    @Test
    void citus_may_come_later_and_go_again() throws SQLException {
        CitusCluster cluster = CitusCluster.empty();
        try {
            Migration.migrate(cluster.url(OWNER));
            cluster.createUser("citus_app");
            try (InProcessWorker worker = InProcessWorker.start(cluster.url(OWNER));
                    Submitter app = Submitter.at(cluster.url("citus_app"))) {
                assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
                long epoch = worker.leaderStatus().epoch();

                cluster.addNodes();
                app.execute("CREATE TABLE one (k int, v text)");
                app.value("SELECT create_distributed_table('one', 'k', shard_count := 8)");
                var first = runWhenReady(app);

                assertThat(first.status()).as(first.output()).isEqualTo("completed");
                assertThat(cluster.value(OWNER, "SELECT df._is_of_coordinator('df._two_phase')"))
                        .isEqualTo("t");
                app.execute("DROP TABLE one");
                cluster.asSuperuser("DROP EXTENSION citus CASCADE");
                var without = app.run("'SELECT 2'");
                assertThat(without.status()).as(without.output()).isEqualTo("completed");

                cluster.addNodes();
                app.execute("CREATE TABLE one (k int, v text)");
                app.value("SELECT create_distributed_table('one', 'k', shard_count := 8)");
                var again = runWhenReady(app);
                assertThat(again.status()).as(again.output()).isEqualTo("completed");
                assertThat(worker.leaderStatus().epoch()).isEqualTo(epoch);
            }
        } finally {
            cluster.close();
        }
    }

    @Test
    void a_table_of_df_that_was_distributed_keeps_workers_from_leading_until_it_is_plain_again() throws SQLException {
        try (CitusCluster cluster = CitusCluster.create().orElseThrow()) {
            cluster.execute(OWNER, "SELECT citus_add_local_table_to_metadata('df.settings')");
            try (InProcessWorker worker = InProcessWorker.candidate(cluster.url(OWNER), Map.of())) {
                awaitStatus(
                        worker,
                        Role.REFUSED,
                        "df.settings of schema df, which must be plain: SELECT undistribute_table('df.settings')");
                cluster.execute(OWNER, "SELECT undistribute_table('df.settings')");
                awaitStatus(worker, Role.LEADER, "leads");

                cluster.execute(OWNER, "SELECT citus_add_local_table_to_metadata('df._wake')");
                awaitStatus(worker, Role.REFUSED, "undistribute_table('df._wake')");
                cluster.execute(OWNER, "SELECT undistribute_table('df._wake')");
                awaitStatus(worker, Role.LEADER, "leads");
            }
        }
    }

    @Test
    void a_term_begins_when_what_the_coordinator_left_prepared_is_ended() throws SQLException {
        try (CitusCluster cluster = CitusCluster.create().orElseThrow()) {
            app(cluster).close();
            String shard = cluster.value(
                    "postgres",
                    "SELECT s.shard_name FROM citus_shards s"
                            + " JOIN pg_dist_node n ON n.nodeport = s.nodeport AND n.groupid = 1 LIMIT 1");
            // As a crash leaves it between the second phase here and there: committed, and not yet on the node.
            cluster.nodes()
                    .get(1)
                    .execute(
                            cluster.database(),
                            "BEGIN; INSERT INTO " + shard
                                    + " VALUES (1, 'left'); PREPARE TRANSACTION 'citus_0_1_4711_0'");
            cluster.asSuperuser("SET allow_system_table_mods = on;"
                    + " INSERT INTO pg_dist_transaction (groupid, gid) VALUES (1, 'citus_0_1_4711_0')");

            cluster.nodes().get(0).crash();
            cluster.nodes().get(0).start();

            try (InProcessWorker worker = InProcessWorker.candidate(cluster.url(OWNER), Map.of());
                    Submitter app = Submitter.at(cluster.url("citus_app"))) {
                awaitStatus(worker, Role.LEADER, "leads");
                assertThat(app.value("SELECT count(*) FROM one WHERE v = 'left'"))
                        .isEqualTo("1");
            }
        }
    }

    /** All instances write to all shards, so that each that ends during a rebalance has met shards that move. */
    @ParameterizedTest
    @ValueSource(strings = {"block_writes", "force_logical"})
    void steps_go_on_while_shards_move_to_a_node_that_was_added_and_away_from_one_that_goes(String mode)
            throws Exception {
        try (CitusCluster cluster = CitusCluster.empty()) {
            assumeTrue(
                    !mode.equals("force_logical")
                            || "logical".equals(cluster.value("postgres", "SELECT current_setting('wal_level')")),
                    "wal_level of the nodes is not logical");
            cluster.addNodes(1);
            Migration.migrate(cluster.url(OWNER));
            try (InProcessWorker worker =
                            InProcessWorker.start(cluster.url(OWNER), Map.of("perdure.step.transient-retries", "0"));
                    Submitter app = app(cluster)) {
                app.execute("CREATE TABLE counted (k int PRIMARY KEY, n int)");
                app.value("SELECT create_distributed_table('counted', 'k', colocate_with := 'one')");
                app.execute("INSERT INTO counted SELECT g, 0 FROM generate_series(1, 40) AS g");
                Starting starting = new Starting(cluster);
                try (starting) {
                    starting.awaitMore(app);
                    String node = "'" + cluster.nodes().get(2).host() + "', "
                            + cluster.nodes().get(2).port();
                    cluster.asSuperuser("SELECT citus_add_node(" + node + ")");
                    long before = ended(app);
                    cluster.asSuperuser("SELECT citus_rebalance_start(shard_transfer_mode := '" + mode + "')");
                    cluster.asSuperuser("SELECT citus_rebalance_wait()");
                    assertThat(ended(app)).as("ended while shards moved").isGreaterThan(before);
                    assertThat(shardsOf(app, cluster.nodes().get(2))).isEqualTo("8");
                    starting.awaitMore(app);
                    before = ended(app);
                    cluster.asSuperuser("SELECT citus_drain_node(" + node + ", shard_transfer_mode := '" + mode + "')");
                    assertThat(ended(app)).as("ended while shards moved back").isGreaterThan(before);
                    assertThat(shardsOf(app, cluster.nodes().get(2))).isEqualTo("0");
                    starting.awaitMore(app);
                }
                app.awaitValue("0", "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')");

                assertThat(starting.failure).isNull();
                assertThat(app.rows(
                                "SELECT status, min(output) FROM df.instances WHERE status <> 'completed' GROUP BY 1"))
                        .isEmpty();
                assertThat(app.value("SELECT count(*) FROM df.nodes WHERE attempt > 1"))
                        .isEqualTo("0");
                String instances = app.value("SELECT count(*) FROM df.instances");
                assertThat(app.value("SELECT count(*) || ' ' || min(n) || ' ' || max(n) FROM"
                                + " (SELECT count(*) AS n FROM one GROUP BY v) AS o"))
                        .isEqualTo(instances + " 41 41");
                assertThat(app.value("SELECT min(n) || ' ' || max(n) FROM counted"))
                        .isEqualTo(instances + " " + instances);
                assertThat(worker.leaderStatus().role()).isEqualTo(Role.LEADER);
            }
        }
    }

    private static long ended(Submitter app) throws SQLException {
        return Long.parseLong(
                String.valueOf(app.value("SELECT count(*) FROM df.instances WHERE status = 'completed'")));
    }

    private static @Nullable String shardsOf(Submitter app, CitusNode node) throws SQLException {
        return app.value(
                "SELECT count(*) FROM citus_shards WHERE table_name IN ('one'::regclass, 'counted'::regclass) AND nodeport = ?",
                node.port());
    }

    /** Some at a time, one instance after the other, each of which writes to one shard, then to all. */
    private static final class Starting implements AutoCloseable {

        private final CitusCluster cluster;
        private final List<Thread> threads = new ArrayList<>();
        private volatile boolean isOver;
        private volatile @Nullable Exception failure;

        Starting(CitusCluster cluster) {
            this.cluster = cluster;
            for (int i = 0; i < 3; i++) {
                Thread thread = new Thread(this::startAll, "starting " + i);
                thread.start();
                threads.add(thread);
            }
        }

        private void startAll() {
            try (Submitter app = Submitter.at(cluster.url("citus_app"))) {
                while (!isOver) {
                    app.run("'INSERT INTO one VALUES (hashtext(''{sys_instance_id}''), ''{sys_instance_id}'')'"
                            + " ~> 'INSERT INTO one SELECT g, ''{sys_instance_id}'' FROM generate_series(1, 40) AS g'"
                            + " ~> 'UPDATE counted SET n = n + 1'");
                }
            } catch (SQLException | RuntimeException e) {
                failure = e;
            }
        }

        void awaitMore(Submitter app) throws SQLException {
            long before = ended(app);
            await("more instances end").atMost(PATIENCE).until(() -> failure != null || ended(app) > before + 3);
        }

        @Override
        public void close() {
            isOver = true;
            try {
                for (Thread thread : threads) {
                    thread.join();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }

    @Test
    void a_node_that_is_no_coordinator_is_no_place_for_a_worker() throws SQLException {
        try (CitusCluster cluster = CitusCluster.create().orElseThrow()) {
            CitusNode node = cluster.nodes().get(1);
            var url = cluster.url(OWNER).withHost(new dev.perdure.database.DatabaseUrl.Host(node.host(), node.port()));
            node.execute(
                    cluster.database(),
                    "SET citus.enable_ddl_propagation = off; DROP SCHEMA IF EXISTS df CASCADE;"
                            + " GRANT CREATE ON DATABASE " + cluster.database() + " TO " + OWNER
                            + "; GRANT CREATE ON SCHEMA public TO " + OWNER);
            Migration.migrate(url);
            try (InProcessWorker worker = InProcessWorker.candidate(url, Map.of())) {
                awaitStatus(worker, Role.REFUSED, "give the worker the address of the coordinator");
            }
        }
    }
}
