package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.leader.LeaderStatus.Role;
import dev.perdure.schema.Migration;
import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.CitusNode;
import dev.perdure.testing.PostgresServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

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
