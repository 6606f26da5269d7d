package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every shape of a workflow, from df.start to its result. */
class WorkflowTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "wf_app");
        app.execute("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, step text)");
    }

    @BeforeEach
    void empty() throws SQLException {
        app.execute("TRUNCATE ledger");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    private static String insert(String step) {
        return "'INSERT INTO ledger (step) VALUES (''" + step + "'')'";
    }

    private static String ledger() throws SQLException {
        return app.value("SELECT coalesce(string_agg(step, ',' ORDER BY id), '') FROM ledger");
    }

    @Test
    void a_sequence_runs_in_order_and_the_last_step_is_the_result() throws SQLException {
        var ended = app.run(insert("a") + " ~> " + insert("b") + " ~> 'SELECT 42 AS answer'");

        assertThat(ended.status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
        assertThat(app.result(ended.id()).at("/rows/0/answer").asInt()).isEqualTo(42);
        assertThat(app.rows("SELECT DISTINCT status FROM df.nodes WHERE instance_id = ?", ended.id()))
                .containsExactly(java.util.List.of("completed"));
    }

    @Test
    void the_batch_of_the_readme_is_updated_by_its_rows() throws SQLException {
        app.execute("DROP TABLE IF EXISTS job; CREATE TABLE job (id int, state text, note text);"
                + " INSERT INTO job SELECT i, 'new', 'it''s ' || i FROM generate_series(1, 10) i");

        var ended = app.run(
                "'SELECT id, note FROM job ORDER BY id LIMIT 3' |=> 'batch'"
                        + " ~> 'UPDATE job SET state = ''done'' FROM $batch.* WHERE job.id = batch.id AND job.note = batch.note'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.value("SELECT count(*) FROM job WHERE state = 'done'")).isEqualTo("3");
    }

    @Test
    void any_of_a_named_result_means_all_its_rows() throws SQLException {
        var ended = app.run("'SELECT i FROM generate_series(1, 4) i' |=> 'batch'"
                + " ~> 'SELECT count(*) AS n FROM generate_series(1, 10) i WHERE i = ANY($batch)'");

        assertThat(app.result(ended.id()).at("/rows/0/n").asInt()).isEqualTo(4);
    }

    @Test
    void any_of_a_column_that_is_an_array_means_that_array() throws SQLException {
        for (String condition : new String[] {"i = ANY($batch)", "i = ANY($batch.ids)", "NOT i <> ALL($batch)"}) {
            var ended = app.run("'SELECT array_agg(i) AS ids FROM generate_series(1, 4) i' |=> 'batch'"
                    + " ~> 'SELECT count(*) AS n FROM generate_series(1, 10) i WHERE " + condition + "'");

            assertThat(app.result(ended.id()).at("/rows/0/n").asInt())
                    .as(condition)
                    .isEqualTo(4);
        }
    }

    @Test
    void the_batch_update_that_was_published_runs_as_it_is_printed() throws SQLException {
        app.execute("CREATE TABLE documents (id bigint PRIMARY KEY, processed boolean NOT NULL DEFAULT false);"
                + " INSERT INTO documents SELECT generate_series(1, 250)");
        String printed = "SELECT df.start('SELECT id FROM documents WHERE processed = false LIMIT 100' |= 'batch' ~>"
                + " 'UPDATE documents SET processed = true WHERE id = ANY($batch)');";

        for (String processed : java.util.List.of("100", "200", "250", "250")) {
            var ended = app.await(app.value(printed));

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM documents WHERE processed"))
                    .isEqualTo(processed);
        }
    }

    @Test
    void an_if_takes_one_branch_and_never_starts_the_other() throws SQLException {
        var yes = app.run("df.if('SELECT true', " + insert("then") + ", " + insert("else") + ")");
        var no = app.run("'SELECT 0' ?> " + insert("then") + " !> " + insert("else"));

        assertThat(yes.status()).isEqualTo("completed");
        assertThat(no.status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("then,else");
        assertThat(app.value(
                        "SELECT status FROM df.nodes WHERE instance_id = ? AND query LIKE '%else%' AND node_type = 'SQL'",
                        yes.id()))
                .isEqualTo("pending");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            SELECT true                           | then
            SELECT false                          | else
            SELECT NULL::boolean                  | else
            SELECT 0                              | else
            SELECT -1                             | then
            SELECT 0.0000                         | else
            SELECT 0.01                           | then
            SELECT 'NaN'::numeric                 | then
            SELECT 'NaN'::float8                  | else
            SELECT ' '                            | else
            SELECT ' No '                         | else
            SELECT 'F'::char(3)                   | else
            SELECT 'off'                          | then
            SELECT '-0e5'                         | else
            SELECT '{}'::jsonb                    | else
            SELECT '{"a": null}'::jsonb           | then
            SELECT 'null'::json                   | else
            SELECT ARRAY[]::int[]                 | else
            SELECT ARRAY[0]                       | then
            SELECT                                | then
            SELECT true WHERE false               | else
            SELECT false AS z, true AS a          | else
            UPDATE job_of_truth SET id = id       | else
            UPDATE job_of_truth SET id = id RETURNING id | then
            """)
    void an_if_decides_by_the_first_column_as_postgresql_gives_it(String condition, String branch) throws SQLException {
        app.execute("CREATE TABLE IF NOT EXISTS job_of_truth AS SELECT 1 AS id");

        var ended = app.run("df.if($q$" + condition + "$q$, 'SELECT ''then'' AS v', 'SELECT ''else'' AS v')");

        assertThat(app.result(ended.id()).at("/rows/0/v").asText()).isEqualTo(branch);
    }

    @ParameterizedTest
    @ValueSource(strings = {"df.sleep(0)", "df.wait_for_signal('never', 1)", "'SELECT false' & 'SELECT false'"})
    void a_condition_that_is_no_row_set_counts_as_a_whole(String condition) throws SQLException {
        var ended = app.run("df.if(" + condition + ", 'SELECT ''then'' AS v', 'SELECT ''else'' AS v')");

        assertThat(app.result(ended.id()).at("/rows/0/v").asText()).isEqualTo("then");
    }

    @Test
    void a_break_outside_of_a_loop_fails_the_instance_and_its_value_is_still_the_result() throws SQLException {
        var ended = app.run("'SELECT 1' ~> df.break('{\"a\": 1}') ~> 'SELECT 2'");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output())
                .isEqualTo("df.break() was called outside of a loop. df.break() may only be used inside df.loop().");
        assertThat(app.value("SELECT df.result(?)", ended.id())).isEqualTo("{\"a\": 1}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            df.setvar('a', 'b')                                | df.setvar() cannot be called inside a workflow - set variables before starting the workflow
            df.unsetvar('a')                                   | df.unsetvar() cannot be called inside a workflow - manage variables before starting the workflow
            df.clearvars()                                     | df.clearvars() cannot be called inside a workflow - manage variables before starting the workflow
            df.await_instance('{sys_instance_id}')             | df.await_instance() cannot be called inside a workflow - it would block a worker thread (and self-deadlock if waiting on the current instance). Use df.signal() and df.wait_for_signal() for cross-workflow coordination.
            df.wait_for_completion('{sys_instance_id}')        | df.await_instance() cannot be called inside a workflow - it would block
            df.start('SELECT 1', transaction_mode => 'new')    | df.start() with transaction_mode => 'new' cannot be called inside a workflow - a df.sql() node already runs as a single autocommitted statement, so a plain df.start() there is already independent of any caller transaction
            """)
    void a_step_cannot_call_what_makes_no_sense_inside_a_workflow(String call, String error) throws SQLException {
        var ended = app.run("$q$SELECT " + call + "$q$");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).startsWith("SQL execution failed: error returned from database: " + error);
    }

    @Test
    void the_time_of_a_change_moves_with_the_nodes_that_ran() throws SQLException {
        var ended = app.run("df.if('SELECT true', 'SELECT 1', 'SELECT 2') ~> 'SELECT 3'");

        assertThat(app.rows(
                        "SELECT node_type, query, status, updated_at > created_at FROM df.nodes WHERE instance_id = ?"
                                + " AND (updated_at > created_at) IS DISTINCT FROM (status = 'completed')",
                        ended.id()))
                .isEmpty();
        assertThat(app.value(
                        "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND status = 'completed'", ended.id()))
                .as("all but one branch")
                .isEqualTo("5");
        assertThat(app.value(
                        "SELECT updated_at > created_at AND completed_at > created_at FROM df.instances WHERE id = ?",
                        ended.id()))
                .isEqualTo("t");
    }

    @Test
    void if_rows_looks_at_a_named_result() throws SQLException {
        app.run("('SELECT 1 WHERE false' |=> 'found') ~> df.if_rows('found', " + insert("rows") + ", " + insert("none")
                + ")");
        app.run("('SELECT 1' |=> 'found') ~> df.if_rows('found', " + insert("rows") + ", " + insert("none") + ")");

        assertThat(ledger()).isEqualTo("none,rows");
    }

    @Test
    void a_root_loop_runs_while_its_condition_holds_and_keeps_its_pace() throws SQLException {
        var ended = app.run("df.loop(" + insert("round") + ", 'SELECT count(*) < 3 FROM ledger')");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("round,round,round");
        assertThat(app.value("SELECT execution_count FROM df.instances WHERE id = ?", ended.id()))
                .isEqualTo("3");
        assertThat(app.value("SELECT count(*) FROM df.executions WHERE instance_id = ?", ended.id()))
                .isEqualTo("2");
        assertThat(app.value(
                        "SELECT string_agg(concat_ws(' ', execution_id, status, event_count), ', ') FROM df.instance_executions(?)",
                        ended.id()))
                .as("of each round the loop, its body and its condition")
                .isEqualTo("3 Completed 3, 2 ContinuedAsNew 3, 1 ContinuedAsNew 3");
        assertThat(app.value(
                        "SELECT completed_at - started_at BETWEEN '2 s' AND '20 s' FROM df.instances WHERE id = ?",
                        ended.id()))
                .as("one round a second, and not one a minute")
                .isEqualTo("t");
    }

    @Test
    void a_loop_inside_a_sequence_ends_by_break_and_its_names_go_on() throws SQLException {
        var ended = app.run(insert("before") + " ~> (@> (('SELECT count(*) AS n FROM ledger' |=> 'seen') ~> "
                + insert("round")
                + " ~> df.if('SELECT count(*) >= 3 FROM ledger', df.break('done'), 'SELECT 1')))"
                + " ~> 'INSERT INTO ledger (step) VALUES (''seen '' || $seen)'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("before,round,round,seen 2");
    }

    @Test
    void the_value_of_a_break_is_the_result_of_its_loop() throws SQLException {
        var ended = app.run("df.loop(df.break('{\"left\": 3}'))");

        assertThat(app.result(ended.id()).at("/left").asInt()).isEqualTo(3);
    }

    @Test
    void a_join_runs_its_branches_at_once_and_collects_their_results_in_order() throws SQLException {
        // Neither ends before the other has begun.
        app.execute("CREATE SEQUENCE arrived START 2; CREATE FUNCTION meet() RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
                + " PERFORM nextval('arrived');"
                + " WHILE (SELECT last_value < 3 FROM arrived) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$");
        String meet = "'SELECT meet(), %d AS branch'";
        var ended = app.run("df.join(" + meet.formatted(1) + ", " + meet.formatted(2) + ")");

        assertThat(app.result(ended.id()).at("/0/rows/0/branch").asInt()).isEqualTo(1);
        assertThat(app.result(ended.id()).at("/1/rows/0/branch").asInt()).isEqualTo(2);
        assertThat(app.value(
                        "SELECT max(started_at) < min(updated_at) FROM df.nodes WHERE instance_id = ? AND node_type = 'SQL'",
                        ended.id()))
                .as("the second began before the first ended")
                .isEqualTo("t");
    }

    @Test
    void a_join_of_three_waits_for_all_even_when_one_fails() throws SQLException {
        var ended = app.run("df.join3(" + insert("a") + ", 'SELECT 1/0', 'SELECT pg_sleep(0.2)' ~> " + insert("c")
                + ") ~> " + insert("never"));

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("JOIN branch 2 failed: ", "division by zero");
        assertThat(ledger()).isEqualTo("a,c");
    }

    @Test
    void branches_of_a_join_that_update_the_same_row_follow_one_another() throws SQLException {
        app.execute("DROP TABLE IF EXISTS counter; CREATE TABLE counter AS SELECT 0 AS n");
        String add = "'UPDATE counter SET n = n + 1'";
        String branch = add + " ~> " + add + " ~> " + add;

        var ended = app.run("df.join3(" + branch + ", " + branch + ", " + branch + ")");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.value("SELECT n FROM counter")).isEqualTo("9");
        assertThat(app.value("SELECT max(attempt) FROM df.nodes WHERE instance_id = ?", ended.id()))
                .as("nobody had to try again")
                .isEqualTo("1");
    }

    @Test
    void what_the_branches_of_a_join_named_can_be_used_after_it() throws SQLException {
        var ended = app.run("df.join('SELECT 3 AS x' |=> 'a', 'SELECT 4 AS x' |=> 'b') ~> 'SELECT $a * $b AS product'");

        assertThat(app.result(ended.id()).at("/rows/0/product").asInt()).isEqualTo(12);
    }

    @Test
    void the_first_branch_to_end_wins_a_race() throws SQLException {
        var ended = app.run("df.race(df.sleep(3600), 'SELECT ''fast'' AS winner')");

        assertThat(app.result(ended.id()).at("/rows/0/winner").asText()).isEqualTo("fast");
        assertThat(app.value("SELECT wake_at FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", ended.id()))
                .isNull();
    }

    @Test
    void a_sleep_takes_its_time_and_no_more() throws SQLException {
        var ended = app.run("df.sleep(1) ~> " + insert("awake"));

        assertThat(ended.status()).isEqualTo("completed");
        assertThat(app.value(
                        "SELECT completed_at - started_at BETWEEN '1 s' AND '20 s' FROM df.instances WHERE id = ?",
                        ended.id()))
                .isEqualTo("t");
    }

    @Test
    void the_longest_waits_are_written_and_can_be_cancelled() throws SQLException {
        for (String longest : new String[] {
            "df.sleep(9223372036854775807)",
            "df.wait_for_signal('never', 2147483647)",
            "df.retry('SELECT 1 / 0', 2147483647, '10 years', 1000000, '10 years')"
        }) {
            String id = app.start(longest);
            app.awaitValue(
                    "t",
                    "SELECT bool_or(wake_at > now() + interval '4 years') FROM df.nodes WHERE instance_id = ?",
                    id);

            app.value("SELECT df.cancel(?)", id);

            assertThat(app.await(id).output()).as(longest).isEqualTo("canceled: Cancelled by user");
        }
    }

    @Test
    void an_instance_that_sleeps_long_is_rows_only_and_comes_back() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (InProcessWorker small = InProcessWorker.start(own, java.util.Map.of("perdure.timer.window", "500ms"));
                Submitter user = Submitter.of(own, "wf_app")) {
            String id = user.start("'SELECT 1' ~> df.sleep(2) ~> 'SELECT 2 AS n'");
            user.awaitValue(
                    "t", "SELECT wake_at IS NOT NULL FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", id);

            org.awaitility.Awaitility.await("out of memory")
                    .until(() -> small.statistics().liveInstances() == 0);

            assertThat(user.await(id).status()).isEqualTo("completed");
        }
    }

    @Test
    void variables_and_system_variables_are_put_in() throws SQLException {
        var ended = app.await(app.value("SELECT df.start('SELECT ''{sys_instance_id}'' AS id, ''{sys_label}'' AS label,"
                + " {n} + 1 AS n', 'nightly', options => '{\"vars\": {\"n\": 41}}')"));

        assertThat(app.result(ended.id()).at("/rows/0/id").asText()).isEqualTo(ended.id());
        assertThat(app.result(ended.id()).at("/rows/0/label").asText()).isEqualTo("nightly");
        assertThat(app.result(ended.id()).at("/rows/0/n").asInt()).isEqualTo(42);
    }

    @Test
    void a_step_can_start_another_workflow() throws SQLException {
        var ended = app.run("'SELECT df.start(''INSERT INTO ledger (step) VALUES (''''inner'''')'') AS id'");
        String inner = app.result(ended.id()).at("/rows/0/id").asText();

        assertThat(app.await(inner).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("inner");
    }

    @Test
    void a_step_that_runs_long_is_shown_as_running_and_its_sequence_too() throws SQLException {
        try (Submitter holder = Submitter.of(database, "wf_app")) {
            holder.execute("BEGIN; SELECT pg_advisory_xact_lock(8001)");
            String id = app.start("'SELECT 1' ~> 'SELECT pg_advisory_xact_lock(8001)'");

            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND query LIKE '%8001%'", id);
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'THEN'", id);
            assertThat(app.node(id, "SELECT pg_advisory", "started_at")).isNotNull();
            assertThat(app.value("SELECT df.status(?)", id)).isEqualTo("running");

            holder.execute("COMMIT");
            assertThat(app.await(id).status()).isEqualTo("completed");
        }
    }

    @Test
    void short_steps_are_never_marked_and_cost_one_write_each() throws SQLException {
        database.asSuperuser("CREATE TABLE seen (what text); GRANT INSERT ON seen TO PUBLIC, df_worker;"
                + " CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS"
                + " $$ BEGIN INSERT INTO seen VALUES (TG_TABLE_NAME || ' ' || TG_OP); RETURN NULL; END $$;"
                + " CREATE TRIGGER seen AFTER INSERT OR UPDATE OR DELETE ON df._checkpoints FOR EACH ROW EXECUTE FUNCTION seen();"
                + " CREATE TRIGGER seen AFTER INSERT OR UPDATE OR DELETE ON df._running FOR EACH ROW EXECUTE FUNCTION seen();"
                + " CREATE TRIGGER seen AFTER UPDATE ON df.instances FOR EACH ROW EXECUTE FUNCTION seen();"
                + " CREATE TRIGGER seen AFTER UPDATE ON df._inbox FOR EACH ROW EXECUTE FUNCTION seen()");
        try {
            // What speaks of df shares no transaction.
            var ended = app.run("'SELECT 1 /* df. */' ~> 'SELECT 2 /* df. */' ~> 'SELECT 3 /* df. */'");

            assertThat(ended.status()).isEqualTo("completed");
            assertThat(database.rows("postgres", "SELECT what, count(*) FROM seen GROUP BY what ORDER BY what"))
                    .containsExactly(
                            java.util.List.of("_checkpoints INSERT", "3"), java.util.List.of("instances UPDATE", "1"));
        } finally {
            database.asSuperuser(
                    "DROP TRIGGER seen ON df._checkpoints; DROP TRIGGER seen ON df._running; DROP TRIGGER seen ON df.instances;"
                            + " DROP TRIGGER seen ON df._inbox");
        }
    }

    @Test
    void two_submitters_with_slow_steps_do_not_starve_a_third() throws SQLException {
        try (Submitter slow = Submitter.of(database, "wf_slow1");
                Submitter slower = Submitter.of(database, "wf_slow2");
                Submitter third = Submitter.of(database, "wf_third");
                Submitter observer = Submitter.observer(database)) {
            String sleeping =
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = ? AND state = 'active' AND query ~ 'pg_sleep'";
            String busy = sleeping.replace("count(*)", "count(*) >= 8");
            for (int i = 0; i < 30; i++) {
                slow.start("'SELECT pg_sleep(30)'");
                slower.start("'SELECT pg_sleep(30)'");
            }
            observer.awaitValue("t", busy, "wf_slow1");
            observer.awaitValue("t", busy, "wf_slow2");

            assertThat(third.run("'SELECT 1'").status()).isEqualTo("completed");
            assertThat(slow.value("SELECT count(*) FROM df.instances WHERE status = 'completed'"))
                    .as("slow steps that had to end first")
                    .isEqualTo("0");

            slow.execute("SELECT df.cancel(id) FROM df.instances WHERE status IN ('pending', 'running')");
            slower.execute("SELECT df.cancel(id) FROM df.instances WHERE status IN ('pending', 'running')");
            observer.awaitValue("0", sleeping, "wf_slow1");
        }
    }
}
