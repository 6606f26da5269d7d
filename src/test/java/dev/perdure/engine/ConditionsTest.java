package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code df.wait_for_condition}, and loops that go on after a round has failed. */
class ConditionsTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "cond_app");
        app.execute(
                "CREATE TABLE flag (n int); CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, step text);"
                        + " CREATE SEQUENCE rounds;"
                        + " CREATE FUNCTION writes() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ledger (step) VALUES ('no'); RETURN true; END $$");
    }

    @BeforeEach
    void empty() throws SQLException {
        app.execute("TRUNCATE flag, ledger; ALTER SEQUENCE rounds RESTART");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @Test
    void it_looks_until_the_query_is_true_and_its_row_is_the_result() throws SQLException {
        String id = app.start("df.wait_for_condition('SELECT n > 1 AS yes, n FROM flag', '100 ms') |=> 'found'"
                + " ~> 'INSERT INTO ledger (step) VALUES ($found.n)'");
        app.awaitValue(
                "running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'WAIT_CONDITION'", id);
        app.execute("INSERT INTO flag VALUES (1)");
        String wake =
                app.value("SELECT wake_at FROM df.nodes WHERE instance_id = ? AND node_type = 'WAIT_CONDITION'", id);
        app.awaitValue(
                "t",
                "SELECT wake_at > ?::timestamptz FROM df.nodes WHERE instance_id = ? AND node_type = 'WAIT_CONDITION'",
                wake,
                id);
        worker.loseMemory();
        app.execute("UPDATE flag SET n = 7");

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value("SELECT step FROM ledger")).isEqualTo("7");
        assertThat(app.value("SELECT attempt FROM df.nodes WHERE instance_id = ? AND node_type = 'WAIT_CONDITION'", id))
                .isEqualTo("1");
    }

    @Test
    void a_look_may_only_read_and_is_a_transaction_of_its_own() throws SQLException {
        var on = app.run(
                "'SELECT pg_current_xact_id()::text AS x' |=> 'before' ~> df.wait_for_condition('SELECT current_setting(''transaction_read_only'') = ''on'', pg_current_xact_id_if_assigned() IS NULL AS fresh')");
        assertThat(app.result(on.id()).at("/rows/0/fresh").asBoolean()).isTrue();
        var writes = app.run("df.wait_for_condition('SELECT writes()')");
        assertThat(writes.status()).isEqualTo("failed");
        assertThat(writes.output()).contains("read-only transaction");
        assertThat(app.value("SELECT count(*) FROM ledger")).isEqualTo("0");
    }

    @Test
    void a_query_that_fails_fails_the_node_and_a_cancel_ends_the_wait() throws SQLException {
        assertThat(app.run("df.wait_for_condition('SELECT 1/0')").output()).contains("division by zero");
        assertThat(app.run("df.catch(df.wait_for_condition('SELECT 1/0'), 'SELECT 1')")
                        .status())
                .isEqualTo("completed");
        String id = app.start("df.wait_for_condition('SELECT false', '1 hour')");
        app.awaitValue("t", "SELECT wake_at > now() + interval '50 minutes' FROM df.nodes WHERE instance_id = ?", id);
        assertThat(app.value("SELECT df.explain(?)", id)).contains("WAIT UNTIL SELECT false (every 3600s) ⏳  next at ");
        app.value("SELECT df.cancel(?)", id);
        assertThat(app.await(id).status()).isEqualTo("cancelled");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "SELECT df.wait_for_condition(NULL); 22004",
                "SELECT df.wait_for_condition('SELECT true', NULL); 22004",
                "SELECT df.wait_for_condition(' '); 22023",
                "SELECT df.wait_for_condition('SELECT true', '-1 s'); 22023",
                "SELECT df.wait_for_condition('SELECT true', '0'); 22023",
                "SELECT df.wait_for_condition('SELECT true', '11 years'); 22023",
                "SELECT df.start(df.wait_for_condition('SELECT $nope')); XX000",
                "SELECT df.start('{\"node_type\":\"WAIT_CONDITION\",\"query\":\"{}\"}'); XX000",
                "SELECT df.start('{\"node_type\":\"WAIT_CONDITION\",\"query\":\"{\\\"query\\\":\\\"SELECT 1\\\",\\\"every_ms\\\":5}\"}'); XX000",
                "SELECT df.loop('SELECT 1', NULL, NULL); 22004",
                "SELECT df.start('{\"node_type\":\"LOOP\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"},\"query\":\"{\\\"continue_on_failure\\\":7}\"}'); XX000",
            })
    void bad_input_is_refused(String statement, String state) {
        assertThatThrownBy(() -> app.execute(statement))
                .isInstanceOfSatisfying(
                        SQLException.class,
                        e -> assertThat(e.getSQLState()).as(e.getMessage()).isEqualTo(state));
    }

    @Test
    void a_loop_goes_on_after_a_round_that_has_failed_and_keeps_the_error() throws SQLException {
        String body =
                "'INSERT INTO ledger (step) SELECT ''r'' || nextval(''rounds'')' ~> 'SELECT 1/((SELECT last_value FROM rounds) - 2)'";
        String id = app.start("df.loop(" + body
                + ", 'SELECT count(*) < 3 FROM ledger WHERE step <> ''r2''', continue_on_failure => true, every => '10 ms')"
                + " ~> 'SELECT 1' ~> " + Submitter.GATE);
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
        app.open(id);
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value("SELECT string_agg(step, ',' ORDER BY id) FROM ledger"))
                .startsWith("r1")
                .contains("r3");
    }

    @Test
    void the_error_of_the_latest_failed_round_stands_at_the_loop_also_after_a_crash() throws SQLException {
        String id = app.start(
                "df.loop('SELECT 1/(nextval(''rounds'') - 1)', continue_on_failure => true, every => '200 ms')");
        app.awaitValue("t", "SELECT execution_count > 2 FROM df.instances WHERE id = ?", id);
        worker.loseMemory();
        app.awaitValue("t", "SELECT execution_count > 4 FROM df.instances WHERE id = ?", id);
        app.awaitValue(
                "t",
                "SELECT coalesce(error LIKE '%division by zero', false) FROM df.nodes WHERE instance_id = ? AND node_type = 'LOOP'",
                id);
        assertThat(app.value("SELECT df.explain(?)", id)).contains("division by zero");
        assertThat(app.value(
                        "SELECT output LIKE '%division by zero' FROM df.instance_executions(?, 100) WHERE execution_id = 1",
                        id))
                .isEqualTo("t");
        app.value("SELECT df.cancel(?)", id);
    }

    @Test
    void a_condition_that_fails_ends_the_loop() throws SQLException {
        var ended = app.run("df.loop('SELECT 1', 'SELECT 1/0', continue_on_failure => true)");
        assertThat(ended.status()).isEqualTo("failed");
    }
}
