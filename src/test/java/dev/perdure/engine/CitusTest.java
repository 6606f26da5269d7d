package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.CitusNode;
import dev.perdure.testing.PostgresServer;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Workflows whose steps write on other nodes of Citus. What Citus has committed in two phases leaves a row in {@code
 * pg_dist_transaction} until somebody recovers; here nobody does. Skipped without {@code -Dperdure.citus.url}.
 */
@EnabledIf(value = "isThere", disabledReason = "no coordinator of Citus is given (-Dperdure.citus.url)")
class CitusTest {

    private static CitusCluster cluster;
    private static InProcessWorker worker;
    private static Submitter app;

    static boolean isThere() {
        return CitusCluster.isThere();
    }

    @BeforeAll
    static void begin() throws SQLException {
        cluster = CitusCluster.create().orElseThrow();
        cluster.asSuperuser("ALTER SYSTEM SET citus.recover_2pc_interval = -1");
        cluster.asSuperuser("SELECT pg_reload_conf()");
        cluster.createUser("citus_app");
        worker = InProcessWorker.start(cluster.url(PostgresServer.OWNER));
        app = Submitter.at(cluster.url("citus_app"));
        app.execute(
                "CREATE TABLE one (k int, v text); CREATE TABLE known (k int PRIMARY KEY, v text); CREATE TABLE plain (k int, v text);"
                        + " CREATE TABLE alone (k int, v text)");
        app.value("SELECT create_distributed_table('one', 'k', shard_count := 8)");
        app.value("SELECT create_reference_table('known')");
        app.value("SELECT create_distributed_table('alone', NULL)");
        app.execute(
                "CREATE FUNCTION put(k int, v text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
                        + " INSERT INTO one VALUES (k, v); RETURN k; END $$;"
                        + " CREATE PROCEDURE lay(k int, v text) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO one VALUES (k, v); END $$");
        app.value(
                "SELECT create_distributed_function('put(int, text)', 'k', colocate_with := 'one', force_delegation := true)");
        app.value("SELECT create_distributed_function('lay(int, text)', 'k', colocate_with := 'one')");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
        cluster.asSuperuser("ALTER SYSTEM RESET citus.recover_2pc_interval");
        cluster.asSuperuser("SELECT pg_reload_conf()");
        cluster.close();
    }

    private static long phases() throws SQLException {
        return Long.parseLong(String.valueOf(cluster.value("postgres", "SELECT count(*) FROM pg_dist_transaction")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a single shard               | INSERT INTO one VALUES (1, 'x') | 1",
                "a single shard, updated      | UPDATE one SET v = 'y' WHERE k = 1 | 1",
                "a single shard, by a query   | WITH w AS (INSERT INTO one VALUES (3, 'x') RETURNING k) SELECT k FROM w | 1",
                "many shards                  | UPDATE one SET v = 'z' WHERE k > 0 | 2",
                "many shards, parallel        | DO $$ BEGIN SET LOCAL citus.force_max_query_parallelization = on; UPDATE one SET v = 'p'; END $$ | 8",
                "one session a node           | DO $$ BEGIN SET LOCAL citus.multi_shard_modify_mode = 'sequential'; UPDATE one SET v = 's'; END $$ | 2",
                "a shard without its key      | INSERT INTO alone VALUES (1, 'x') | 1",
                "a reference table            | INSERT INTO known VALUES (1, 'x') ON CONFLICT (k) DO UPDATE SET v = 'y' | 2",
                "a query's rows, as COPY      | INSERT INTO one SELECT g, 'c' FROM generate_series(1, 1) AS g | 1",
                "a query's rows, many shards  | INSERT INTO one SELECT g, 'c' FROM generate_series(1, 50) AS g | 2",
                "a plain table beside it      | WITH w AS (INSERT INTO plain VALUES (1, 'x') RETURNING k), o AS (INSERT INTO one VALUES (9, 'x') RETURNING k) SELECT 1 | 1",
                "a function that is delegated | SELECT put(4, 'd') | 1",
                "a procedure                  | CALL lay(5, 'd') | 1",
                "without local execution      | DO $$ BEGIN SET LOCAL citus.enable_local_execution = off; INSERT INTO one VALUES (6, 'l'); END $$ | 1"
            })
    void what_a_step_writes_on_nodes_is_committed_in_two_phases(String target, String statement, int atLeast)
            throws SQLException {
        long before = phases();

        var ended = app.run("'" + statement.replace("'", "''") + "'");

        assertThat(ended.status()).as(target + ": " + ended.output()).isEqualTo("completed");
        assertThat(phases() - before).as(target).isGreaterThanOrEqualTo(atLeast);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a start            | SELECT df.start('SELECT 1')",
                "many starts        | SELECT df.start_many('SELECT 1', 'SELECT 1 AS a UNION ALL SELECT 2')",
                "a signal           | SELECT df.signal('<id>', 'go')",
                "a cancellation     | SELECT df.cancel('<id>')",
                "a new run          | SELECT df.redrive('<failed>')",
                "a fork             | SELECT df.fork('<failed>')",
                "a claim            | SELECT count(*) FROM df.claim_activities('citus_kind')",
                "an answer          | SELECT df.complete_activity(c.token, '{}'::jsonb) FROM df.claim_activities('citus_kind') AS c",
                "a refusal          | SELECT df.fail_activity(c.token, 'no') FROM df.claim_activities('citus_kind') AS c",
                "a schedule         | SELECT df.create_schedule('<name>', '0 3 * * *', 'SELECT 1')",
                "a definition       | SELECT df.define('<name>', 'SELECT 1')",
                "a variable         | SELECT df.setvar('<name>', 'x')"
            })
    void what_a_program_tells_a_workflow_is_committed_in_two_phases_with_what_it_writes_on_a_node(
            String what, String statement) throws SQLException {
        String id = app.start("df.wait_for_signal('go')");
        String failed = app.run("'SELECT 1/0'").id();
        String activity = app.start("df.activity('citus_kind', '{}')");
        app.awaitValue("1", "SELECT count(*) FROM df.activities WHERE instance_id = ?", activity);
        long before = phases();

        try (Statement session = app.connection().createStatement()) {
            session.execute("BEGIN; INSERT INTO one VALUES (1, 'x')");
            session.execute(
                    statement.replace("<id>", id).replace("<failed>", failed).replace("<name>", "n" + id));
            session.execute("COMMIT");
        } catch (SQLException e) {
            app.execute("ROLLBACK");
            throw e;
        }

        assertThat(phases() - before).as(what).isGreaterThanOrEqualTo(1);
        app.value("SELECT df.cancel(?)", id);
        app.value("SELECT df.cancel(?)", activity);
    }

    @Test
    void items_of_a_map_and_steps_that_share_a_transaction_are_committed_in_two_phases() throws SQLException {
        long before = phases();
        var map = app.run(
                "df.map('SELECT g FROM generate_series(1, 6) AS g', 'INSERT INTO one VALUES ($item, ''item'')')");
        assertThat(map.status()).as(map.output()).isEqualTo("completed");
        long items = phases() - before;
        var chain = app.run("'INSERT INTO one VALUES (1, ''chain'')' ~> 'INSERT INTO one VALUES (1, ''chain'')'");

        assertThat(items).isGreaterThanOrEqualTo(1);
        assertThat(chain.status()).as(chain.output()).isEqualTo("completed");
        assertThat(phases() - before - items).isGreaterThanOrEqualTo(1);
        assertThat(app.value("SELECT count(*) FROM one WHERE v IN ('item', 'chain')"))
                .isEqualTo("8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"repeatable read", "serializable"})
    void steps_of_every_isolation_are_committed_in_two_phases(String isolation) throws SQLException {
        app.execute("ALTER ROLE citus_app SET default_transaction_isolation = '" + isolation + "'");
        worker.loseMemory();
        long before = phases();

        var ended = app.run("'INSERT INTO one VALUES (1, ''isolated'')'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(phases() - before).isGreaterThanOrEqualTo(1);
        app.execute("ALTER ROLE citus_app RESET default_transaction_isolation");
        worker.loseMemory();
    }

    @Test
    void a_step_that_fails_leaves_nothing_on_any_node() throws SQLException {
        var ended =
                app.run("'WITH w AS (INSERT INTO one VALUES (1, ''gone''), (2, ''gone''), (3, ''gone'') RETURNING k)"
                        + " SELECT k / 0 FROM w'");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(app.value("SELECT count(*) FROM one WHERE v = 'gone'")).isEqualTo("0");
    }

    @Test
    void a_deadlock_over_two_nodes_is_tried_again() throws SQLException {
        app.execute("CREATE TABLE pair (k int PRIMARY KEY, n int)");
        app.value("SELECT create_distributed_table('pair', 'k', shard_count := 8)");
        app.execute("INSERT INTO pair SELECT g, 0 FROM generate_series(1, 20) AS g");
        String up = "DO $$ BEGIN UPDATE pair SET n = n + 1 WHERE k = 1; PERFORM pg_sleep(0.3);"
                + " UPDATE pair SET n = n + 1 WHERE k = 2; END $$";
        String down = "DO $$ BEGIN UPDATE pair SET n = n + 1 WHERE k = 2; PERFORM pg_sleep(0.3);"
                + " UPDATE pair SET n = n + 1 WHERE k = 1; END $$";

        var ended = app.run("'" + up + "' & '" + down + "'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.value("SELECT string_agg(n::text, ',') FROM pair WHERE k IN (1, 2)"))
                .isEqualTo("2,2");
    }

    @Test
    void shards_that_are_moved_while_steps_run_get_each_effect_once() throws SQLException {
        app.execute("CREATE TABLE moved (k int, v text)");
        app.value("SELECT create_distributed_table('moved', 'k', shard_count := 4)");
        String id =
                app.start("df.loop('INSERT INTO moved SELECT g, ''{sys_instance_id}'' FROM generate_series(1, 8) AS g',"
                        + " 'SELECT count(*) < 400 FROM moved')");
        for (int round = 0; round < 2; round++) {
            for (var shard : app.rows("SELECT shardid, nodeport FROM citus_shards"
                    + " WHERE table_name = 'moved'::regclass ORDER BY shardid LIMIT 2")) {
                move(shard.get(0), Integer.parseInt(String.valueOf(shard.get(1))));
            }
        }

        var ended = app.await(id);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(
                        app.value(
                                "SELECT string_agg(DISTINCT n::text, ',') FROM (SELECT count(*) AS n FROM moved GROUP BY k) AS m"))
                .isEqualTo("50");
    }

    private static void move(@Nullable String shard, int port) throws SQLException {
        CitusNode first = cluster.nodes().get(1);
        CitusNode to = first.port() == port ? cluster.nodes().get(2) : first;
        cluster.asSuperuser("SELECT citus_move_shard_placement(" + shard + ", '" + first.host() + "', " + port + ", '"
                + to.host() + "', " + to.port() + ", shard_transfer_mode := 'block_writes')");
    }

    @Test
    void the_commit_protocol_of_older_versions_is_no_setting_that_a_step_could_change() throws SQLException {
        var ended = app.run("'SET citus.multi_shard_commit_protocol = ''1pc'''");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("citus.multi_shard_commit_protocol");
    }
}
