package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code df.redrive}: the same instance goes on from where it failed, or was cancelled. */
class RedriveTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "redrive_app");
        app.execute("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, step text);"
                + " CREATE TABLE broken (step text PRIMARY KEY);"
                + " CREATE FUNCTION work(step text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
                + " IF EXISTS (SELECT FROM broken b WHERE b.step = work.step) THEN"
                + " RAISE EXCEPTION 'step % is broken', step; END IF;"
                + " INSERT INTO ledger (step) VALUES (work.step); RETURN 'result of ' || step; END $$");
    }

    @BeforeEach
    void empty() throws SQLException {
        app.execute("TRUNCATE ledger, broken");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    private static String work(String step) {
        return "'SELECT work(''" + step + "'') AS r'";
    }

    private static void breaks(String... steps) throws SQLException {
        for (String step : steps) {
            app.rows("INSERT INTO broken VALUES (?) RETURNING step", step);
        }
    }

    private static void mended() throws SQLException {
        app.execute("TRUNCATE broken");
    }

    private static String ledger() throws SQLException {
        return app.value("SELECT coalesce(string_agg(step, ',' ORDER BY id), '') FROM ledger");
    }

    private static Submitter.Ended redriven(String id) throws SQLException {
        assertThat(app.value("SELECT df.redrive(?)", id)).isEqualTo(id);
        return app.await(id);
    }

    private static String node(String id, String step) throws SQLException {
        return app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND query LIKE '%''' || ? || '''%'", id, step);
    }

    @Test
    void what_has_completed_keeps_its_result_and_the_rest_runs() throws SQLException {
        breaks("b");
        var failed = app.run(
                work("a") + " |=> 'first' ~> " + work("b") + " ~> 'SELECT $first AS of_a, count(*) AS n FROM ledger'");
        assertThat(failed.status()).isEqualTo("failed");
        mended();

        var ended = redriven(failed.id());

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
        assertThat(app.result(failed.id()).at("/rows/0/of_a").asText()).isEqualTo("result of a");
        assertThat(app.rows("SELECT DISTINCT status FROM df.nodes WHERE instance_id = ?", failed.id()))
                .containsExactly(List.of("completed"));
        assertThat(app.rows(
                        "SELECT completed_at > started_at, cancel_reason IS NULL, execution_count FROM df.instances WHERE id = ?",
                        failed.id()))
                .containsExactly(List.of("t", "t", "2"));
        assertThat(app.rows(
                        "SELECT execution_id, status, duration_ms >= 0, output LIKE '%step b is broken%' FROM df.instance_executions(?)",
                        failed.id()))
                .containsExactly(List.of("2", "Completed", "t", "f"), List.of("1", "Failed", "t", "t"));
    }

    @Test
    void many_go_on_at_once_however_large_their_results_are() throws SQLException {
        breaks("b");
        app.execute("SELECT df.start('SELECT repeat(''x'', 8000) AS large' |=> 'large' ~> 'SELECT work(''b'')', 'many')"
                + " FROM generate_series(1, 100)");
        Awaitility.await().untilAsserted(() -> assertThat(
                        app.value("SELECT count(*) FROM df.instances WHERE label = 'many' AND status = 'failed'"))
                .isEqualTo("100"));
        mended();

        app.execute("SELECT df.redrive(id) FROM df.instances WHERE label = 'many'");

        Awaitility.await().untilAsserted(() -> assertThat(
                        app.value("SELECT count(*) FROM df.instances WHERE label = 'many' AND status = 'completed'"))
                .isEqualTo("100"));
    }

    @Test
    void until_the_transaction_commits_nothing_has_happened() throws SQLException {
        breaks("b");
        var failed = app.run(work("a") + " ~> " + work("b"));
        mended();
        try (Connection other = database.connect("redrive_app")) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "SELECT df.redrive(?)", failed.id());
            assertThat(TestDatabase.rows(
                                    other,
                                    "SELECT status, (SELECT string_agg(status, ',' ORDER BY id) FROM df.nodes WHERE instance_id = i.id AND node_type = 'SQL')"
                                            + " FROM df.instances i WHERE id = ?",
                                    failed.id())
                            .get(0))
                    .startsWith("pending");
            assertThat(app.value("SELECT df.status(?)", failed.id())).isEqualTo("failed");
            other.rollback();
        }
        assertThat(app.value("SELECT df.status(?)", failed.id())).isEqualTo("failed");
        assertThat(app.value("SELECT count(*) FROM df.nodes WHERE instance_id = ? AND status = 'failed'", failed.id()))
                .isEqualTo("2");

        assertThat(redriven(failed.id()).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
    }

    @Test
    void it_may_fail_again_and_again() throws SQLException {
        breaks("b");
        String id = app.run(work("a") + " ~> " + work("b")).id();
        for (int i = 0; i < 3; i++) {
            assertThat(redriven(id).status()).isEqualTo("failed");
        }
        mended();

        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
        assertThat(app.value("SELECT execution_count FROM df.instances WHERE id = ?", id))
                .isEqualTo("5");
    }

    @Test
    void branches_that_have_completed_do_not_run_again() throws SQLException {
        breaks("b2");
        String id = app.run("df.join3(" + work("a") + ", " + work("b1") + " ~> " + work("b2") + ", " + work("c")
                        + ") ~> " + work("d"))
                .id();
        mended();

        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(app.rows("SELECT step, count(*) FROM ledger GROUP BY step ORDER BY step"))
                .containsExactly(
                        List.of("a", "1"),
                        List.of("b1", "1"),
                        List.of("b2", "1"),
                        List.of("c", "1"),
                        List.of("d", "1"));
    }

    @ParameterizedTest
    @CsvSource({"1, b", "0, c"})
    void the_branch_that_rows_chose_goes_on(int rows, String broken) throws SQLException {
        breaks(broken);
        var failed = app.run("'SELECT 1 AS x FROM generate_series(1, " + rows + ")' |=> 'found' ~> df.if_rows('found', "
                + work("a") + " ~> " + work("b") + ", " + work("a") + " ~> " + work("c") + ")");
        assertThat(failed.status()).isEqualTo("failed");
        mended();

        assertThat(redriven(failed.id()).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a," + broken);
    }

    @Test
    void both_branches_of_a_race_run_again() throws SQLException {
        breaks("a");
        String id = app.run("df.race(" + work("a") + ", df.sleep(3600)) ~> " + work("b"))
                .id();
        mended();

        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
    }

    @Test
    void attempts_begin_anew_and_what_the_last_one_has_completed_stays() throws SQLException {
        breaks("b");
        String retried = "df.retry(" + work("a") + " ~> " + work("b") + ", 2, '0 s')";
        String id = app.run(retried + " ~> " + work("c")).id();
        assertThat(ledger()).isEqualTo("a,a");

        assertThat(redriven(id).output()).contains("given up after 2 attempts");
        assertThat(ledger()).isEqualTo("a,a,a");
        mended();
        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,a,a,b,c");
    }

    @Test
    void attempts_of_the_root_are_counted_from_one_in_each_execution() throws SQLException {
        breaks("a");
        String id = app.run("df.retry(" + work("a") + ", 3, '0 s')").id();

        var again = redriven(id);

        assertThat(again.output()).contains("given up after 3 attempts");
        assertThat(app.value("SELECT attempt FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'", id))
                .isEqualTo("3");
        assertThat(app.rows("SELECT execution_id, event_count FROM df.instance_executions(?)", id))
                .containsExactly(List.of("2", "2"), List.of("1", "2"));
        mended();
        assertThat(redriven(id).status()).isEqualTo("completed");
    }

    @Test
    void a_loop_goes_on_in_its_round() throws SQLException {
        breaks("c");
        String body = work("a") + " ~> df.if('SELECT count(*) < 3 FROM ledger', " + work("b") + ", " + work("c") + ")";
        String id = app.run("df.loop(" + body + ", 'SELECT count(*) < 6 FROM ledger') ~> " + work("d"))
                .id();
        assertThat(ledger()).isEqualTo("a,b,a");
        mended();

        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b,a,c,a,c,d");
    }

    @Test
    void rounds_of_the_root_go_on_as_executions() throws SQLException {
        breaks("b");
        String body = work("a") + " ~> df.if('SELECT count(*) < 2 FROM ledger', 'SELECT 1', " + work("b")
                + " ~> df.break('done'))";
        String id = app.run("df.loop(" + body + ")").id();
        assertThat(app.value("SELECT execution_count FROM df.instances WHERE id = ?", id))
                .isEqualTo("2");
        mended();

        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,a,b");
        assertThat(app.rows("SELECT execution_id, status FROM df.instance_executions(?)", id))
                .containsExactly(List.of("3", "Completed"), List.of("2", "Failed"), List.of("1", "ContinuedAsNew"));
    }

    @Test
    void a_handler_goes_on_and_what_it_handles_is_not_tried_again() throws SQLException {
        breaks("a", "h2");
        String id = app.run("df.catch(" + work("a") + ", " + work("h1") + " ~> " + work("h2")
                        + " ~> 'SELECT $error.message AS m')")
                .id();
        mended();

        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("h1,h2");
        assertThat(app.result(id).at("/rows/0/m").asText()).contains("step a is broken");
    }

    @Test
    void from_a_node_it_and_what_comes_after_it_run_again() throws SQLException {
        breaks("d");
        String id = app.run(work("a") + " ~> df.join(" + work("b") + ", " + work("c") + ") ~> " + work("d"))
                .id();
        mended();

        app.value("SELECT df.redrive(?, ?)", id, node(id, "b"));

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.rows("SELECT step, count(*) FROM ledger GROUP BY step ORDER BY step"))
                .containsExactly(List.of("a", "1"), List.of("b", "2"), List.of("c", "1"), List.of("d", "1"));
    }

    @Test
    void from_the_root_everything_runs_again() throws SQLException {
        breaks("b");
        String id = app.run(work("a") + " ~> " + work("b")).id();
        mended();

        app.value("SELECT df.redrive(i.id, from_node => i.root_node) FROM df.instances i WHERE id = ?", id);

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,a,b");
    }

    @Test
    void variables_are_set_anew() throws SQLException {
        String id = app.run("'SELECT work(''{step}''), 1/{n}', options => '{\"vars\": {\"step\": \"a\", \"n\": 0}}'")
                .id();

        app.value("SELECT df.redrive(?, vars => '{\"n\": 1}')", id);

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value("SELECT vars::text FROM df.instances WHERE id = ?", id))
                .isEqualTo("{\"n\": \"1\", \"step\": \"a\"}");
    }

    @Test
    void a_cancelled_one_goes_on_and_its_limits_begin_anew() throws SQLException {
        String id = app.start(work("a") + " ~> df.wait_for_signal('go', 3600) ~> " + work("b"));
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
        String before = app.value("SELECT wake_at FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
        app.value("SELECT df.cancel(?)", id);
        app.await(id);

        app.value("SELECT df.redrive(?)", id);
        app.awaitValue(
                "t",
                "SELECT wake_at > ?::timestamptz FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'",
                before,
                id);
        app.open(id);

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
        assertThat(app.rows("SELECT execution_id, status, output FROM df.instance_executions(?) OFFSET 1", id))
                .containsExactly(List.of("1", "Failed", "canceled: Cancelled by user"));
    }

    @Test
    void one_that_is_cancelled_and_let_go_on_at_once_does_nothing_twice() throws SQLException {
        for (int i = 0; i < 20; i++) {
            app.execute("TRUNCATE ledger");
            String id = app.start(work("a") + " ~> 'SELECT pg_sleep(0.02)' ~> " + work("b") + " ~> " + work("c"));
            app.rows("SELECT pg_sleep(?::float8)", String.valueOf(i * 0.002));
            if (i % 2 == 0) {
                app.value("SELECT df.cancel(?)", id);
                app.value(
                        "SELECT CASE WHEN status = 'cancelled' THEN df.redrive(id) END FROM df.instances WHERE id = ?",
                        id);
            } else {
                together("BEGIN; SELECT df.cancel('" + id
                        + "'); SELECT CASE WHEN status = 'cancelled' THEN df.redrive(id) END FROM df.instances WHERE id = '"
                        + id + "'; COMMIT");
            }
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(ledger()).isEqualTo("a,b,c");
        }
    }

    /** A step that is being committed has the version and wants the instance; who cancels first has it the other way round. */
    private static void together(String transaction) throws SQLException {
        try {
            app.execute(transaction);
        } catch (SQLException e) {
            if (!"40P01".equals(e.getSQLState())) {
                throw e;
            }
            app.execute("ROLLBACK");
            together(transaction);
        }
    }

    @Test
    void of_two_at_once_one_wins_and_the_other_says_so() throws Exception {
        breaks("b");
        String id = app.run(work("a") + " ~> " + work("b")).id();
        mended();
        try (Connection first = database.connect("redrive_app");
                Connection second = database.connect("redrive_app")) {
            first.setAutoCommit(false);
            TestDatabase.rows(first, "SELECT df.redrive(?)", id);
            CompletableFuture<String> late = CompletableFuture.supplyAsync(() -> {
                try {
                    return TestDatabase.rows(second, "SELECT df.redrive(?)", id)
                            .get(0)
                            .get(0);
                } catch (SQLException e) {
                    return e.getSQLState() + " " + e.getMessage();
                }
            });
            Submitter observer = Submitter.observer(database);
            observer.awaitValue(
                    "t",
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'redrive_app' AND wait_event_type = 'Lock')");
            observer.close();
            first.commit();
            assertThat(late.get()).startsWith("55000").contains("at the same time");
        }
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
    }

    @Test
    void it_goes_on_under_the_next_leader() throws SQLException {
        breaks("b");
        String id = app.run(work("a") + " ~> " + work("b") + " ~> " + Submitter.GATE + " ~> " + work("c"))
                .id();
        mended();
        app.value("SELECT df.redrive(?)", id);
        worker.loseMemory();
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
        worker.loseMemory();
        app.open(id);

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b,c");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = ';',
            value = {
                "SELECT df.redrive(NULL); 22004 argument 0 must not be null: instance_id",
                "SELECT df.redrive('nope'); XX000 Instance not found or access denied: nope",
                "SELECT df.redrive('{completed}'); 55000 Instance {completed} is completed",
                "SELECT df.redrive('{running}'); 55000 Instance {running} is running",
                "SELECT df.redrive('{failed}', 'nope'); 22023 there is no node 'nope'",
                "SELECT df.redrive('{failed}', '{later}'); 55000 node {later} (SQL) has not been reached: {broken} (SQL) before it has not completed",
                "SELECT df.redrive('{failed}', vars => '[]'); 22023 vars of df.redrive() must be a JSON object",
                "SELECT df.redrive('{failed}', vars => '{\"a\": {}}'); 22023 variable \"a\" in vars of df.redrive()",
                "SELECT df.redrive('{looped}', '{inEnded}'); 55000 node {inEnded} (SQL) is in a round of loop {loop} (LOOP), which has ended",
                "SELECT df.redrive('{inRound}', '{ofEarlier}'); 55000 node {ofEarlier} (SQL) has run in an earlier round only of {rounds} (LOOP)",
            })
    void what_cannot_go_on_is_refused(String statement, String expected) throws SQLException {
        if (named.isEmpty()) {
            name();
        }
        String text = fill(statement);
        assertThatThrownBy(() -> app.execute(text)).isInstanceOfSatisfying(SQLException.class, e -> assertThat(
                        e.getSQLState() + " " + e.getMessage().replace("ERROR: ", ""))
                .startsWith(fill(expected)));
    }

    private static final java.util.Map<String, String> named = new java.util.HashMap<>();

    private static void name() throws SQLException {
        named.put("completed", app.run("'SELECT 1'").id());
        String running = app.start("'SELECT 1' ~> df.wait_for_signal('never')");
        app.awaitValue("running", "SELECT df.status(?)", running);
        named.put("running", running);
        breaks("broken", "after loop", "second");
        String failed = app.run(work("broken") + " ~> " + work("later")).id();
        named.put("failed", failed);
        named.put("broken", node(failed, "broken"));
        named.put("later", node(failed, "later"));
        String looped = app.run("df.loop(" + work("in ended") + ", 'SELECT false') ~> " + work("after loop"))
                .id();
        named.put("looped", looped);
        named.put("inEnded", node(looped, "in ended"));
        named.put("loop", app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = 'LOOP'", looped));
        String rounds = app.run("df.loop(df.if('SELECT count(*) < 1 FROM ledger WHERE step = ''of earlier''', "
                        + work("of earlier") + ", " + work("second") + "))")
                .id();
        named.put("inRound", rounds);
        named.put("ofEarlier", node(rounds, "of earlier"));
        named.put("rounds", app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = 'LOOP'", rounds));
    }

    private static String fill(String text) {
        for (var entry : named.entrySet()) {
            text = text.replace('{' + entry.getKey() + '}', entry.getValue());
        }
        return text;
    }

    @Test
    void nobody_lets_the_instance_of_another_role_go_on() throws SQLException {
        breaks("a");
        String id = app.run(work("a")).id();
        try (Submitter other = Submitter.of(database, "redrive_other")) {
            assertThatThrownBy(() -> other.value("SELECT df.redrive(?)", id))
                    .hasMessageContaining("not found or access denied");
            assertThatThrownBy(() -> other.value(
                            "INSERT INTO df._redrives (instance_id, submitted_by) VALUES (?, 'redrive_other') RETURNING 1",
                            id))
                    .isInstanceOf(SQLException.class);
            assertThatThrownBy(() -> other.execute("INSERT INTO df._redrives (instance_id, submitted_by) VALUES ('" + id
                            + "', 'redrive_app')"))
                    .hasMessageContaining("row-level security");
            assertThatThrownBy(() -> other.execute("INSERT INTO df._redrives (instance_id, submitted_by) VALUES ('" + id
                            + "', 'redrive_other')"))
                    .hasMessageContaining("row-level security");
        }
        assertThat(app.value("SELECT df.status(?)", id)).isEqualTo("failed");
    }

    @Test
    void it_stays_the_instance_of_its_idempotency_key() throws SQLException {
        breaks("a");
        String start = work("a") + ", options => '{\"idempotency_key\": \"redriven\"}'";
        String id = app.run(start).id();
        mended();
        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(app.start(start)).isEqualTo(id);
    }

    @Test
    void rounds_of_a_loop_under_a_deadline_go_on_after_a_crash_and_a_redrive() throws SQLException {
        breaks("b");
        String body = work("a") + " ~> df.if('SELECT count(*) < 3 FROM ledger', 'SELECT 1', " + work("b")
                + " ~> df.break('done'))";
        String id = app.start("df.loop(" + body + ", every => '300 ms'), options => '{\"timeout\": \"1 hour\"}'");
        app.awaitValue("t", "SELECT execution_count >= 2 FROM df.instances WHERE id = ?", id);
        worker.loseMemory();
        app.await(id);
        assertThat(ledger()).isEqualTo("a,a,a");
        mended();

        assertThat(redriven(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,a,a,b");
        assertThat(app.rows("SELECT execution_id, status FROM df.instance_executions(?)", id))
                .containsExactly(
                        List.of("4", "Completed"),
                        List.of("3", "Failed"),
                        List.of("2", "ContinuedAsNew"),
                        List.of("1", "ContinuedAsNew"));
    }
}
