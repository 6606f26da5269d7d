package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.PostgresServer;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        cluster.asSuperuser("REVOKE EXECUTE ON FUNCTION recover_prepared_transactions() FROM " + PostgresServer.OWNER);
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
}
