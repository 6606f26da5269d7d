package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a person reads who asks why an instance failed, or where it stands. */
class FailureTextsTest {

    private static TestDatabase database;
    private static HttpService service;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        worker = InProcessWorker.start(database, Map.of("perdure.http.allow", "localhost:" + service.port()));
        app = Submitter.of(database, "texts_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('texts_app', include_http => true)");
        app.execute(
                "CREATE TABLE account (id int PRIMARY KEY, note text);"
                        + " INSERT INTO account VALUES (7, 'x');"
                        + " CREATE FUNCTION complain(t text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
                        + " RAISE EXCEPTION 'no %', t USING ERRCODE = 'AB123', DETAIL = 'the detail of ' || t, HINT = 'try later'; END $$");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
        service.close();
    }

    private static String info(String id) throws SQLException {
        return app.value("SELECT output FROM df.instance_info(?)", id);
    }

    private static List<String> explained(String id) throws SQLException {
        return app.value("SELECT df.explain(?)", id)
                .lines()
                .map(String::stripTrailing)
                .toList();
    }

    @Test
    void a_failure_is_told_whole_with_its_node_its_statement_and_what_the_server_said() throws SQLException {
        var failed = app.run(
                "'SELECT 7 AS id' |=> 'first' ~> 'INSERT INTO account VALUES ($first, ''again'')' |=> 'second' ~> 'SELECT 3'");

        assertThat(info(failed.id()))
                .isEqualTo(String.join(
                        "\n",
                        failed.output(),
                        "Node: " + app.node(failed.id(), "INSERT", "id") + ", root.left.right, 'second' (SQL)",
                        "SQLSTATE: 23505",
                        "DETAIL: Key (id)=(7) already exists.",
                        "Statement: INSERT INTO account VALUES (7, 'again')"));
        assertThat(explained(failed.id()))
                .anySatisfy(line -> assertThat(line).isEqualTo("    SQLSTATE: 23505"))
                .anySatisfy(line -> assertThat(line).isEqualTo("    DETAIL: Key (id)=(7) already exists."));
        assertThat(app.value("SELECT output FROM df.list_instances() WHERE instance_id = ?", failed.id()))
                .isEqualTo(failed.output())
                .doesNotContain("\n");
    }

    @Test
    void a_hint_and_a_position_are_told() throws SQLException {
        var raised = app.run("df.join('SELECT 1', 'SELECT complain(''money'')' |=> 'c')");
        assertThat(info(raised.id()))
                .contains(
                        "root.right, 'c' (SQL)",
                        "SQLSTATE: AB123",
                        "DETAIL: the detail of money",
                        "HINT: try later",
                        "no money");

        var misspelt = app.run("'SELECT 1, nope FROM account'");
        assertThat(info(misspelt.id())).contains("Position: 11", "SQLSTATE: 42703");
        assertThat(app.value("SELECT status_details ->> 'position' FROM df.nodes WHERE instance_id = ?", misspelt.id()))
                .isEqualTo("11");
    }

    @Test
    void no_length_is_too_long() throws SQLException {
        String text = "x".repeat(3000);
        var failed = app.run("'SELECT complain(''" + text + "'')'");
        assertThat(info(failed.id())).contains("no " + text, "SELECT complain('" + text + "')");
        assertThat(app.value("SELECT df.explain(?)", failed.id()))
                .contains("no " + text, "SELECT complain('" + text + "')");
    }

    @Test
    void what_the_server_says_is_told_whole_up_to_a_quarter_of_a_megabyte_and_then_how_much_more_there_is()
            throws SQLException {
        var whole = app.run("'SELECT complain(repeat(''é'', 50000))'");
        assertThat(info(whole.id()))
                .contains(
                        "no " + "é".repeat(50_000) + "\n",
                        "the detail of " + "é".repeat(50_000) + "\n",
                        "HINT: try later");
        assertThat(app.value("SELECT output FROM df.list_instances() WHERE instance_id = ?", whole.id()))
                .as("but in lists")
                .hasSize(10_000)
                .endsWith("...");

        var huge = app.run("'SELECT complain(repeat(''x'', 5000000))'");
        assertThat(info(huge.id()))
                .contains(
                        "… (4738883 more characters)",
                        "DETAIL: … (5000014 more characters)",
                        "HINT: … (9 more characters)")
                .hasSizeLessThan(300_000);
    }

    @Test
    void the_failure_that_decided_is_named() throws SQLException {
        var handled = app.run("df.catch('SELECT complain(''body'')', 'SELECT complain(''handler'')')");
        assertThat(info(handled.id()))
                .contains("root.right", "detail of handler")
                .doesNotContain("detail of body");
        var retried = app.run("df.retry('SELECT 1' ~> 'SELECT complain(''body'')', 2, '0 s')");
        assertThat(info(retried.id())).contains("root.left.right", "detail of body");
    }

    @Test
    void an_item_of_a_map_says_at_which_step_of_the_body_it_failed_and_what_the_server_said() throws SQLException {
        String body = "'SELECT $item.n + 40 AS m' |=> 'm' ~> 'SELECT complain($1 || ''-'' || $m.m)' |=> 'told'";
        var failed = app.run("df.map('SELECT 2 AS n', " + body.replace("$1", "''at''") + ") |=> 'done' ~> 'SELECT 1'");

        String step = app.node(failed.id(), "SELECT complain", "id") + ", root.left.left.right, 'told' (SQL)";
        assertThat(info(failed.id()))
                .isEqualTo(String.join(
                        "\n",
                        failed.output(),
                        "Node: "
                                + app.value(
                                        "SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = 'MAP'",
                                        failed.id())
                                + ", root.left, 'done' (MAP)",
                        "Step: " + step,
                        "SQLSTATE: AB123",
                        "DETAIL: the detail of at-42",
                        "HINT: try later",
                        "Statement: SELECT complain('at' || '-' || 42)"));
        assertThat(failed.output()).startsWith("Item 1 of df.map failed: ").endsWith("no at-42");
        assertThat(explained(failed.id()))
                .anySatisfy(line -> assertThat(line).isEqualTo("    Step: " + step))
                .anySatisfy(line -> assertThat(line).isEqualTo("    DETAIL: the detail of at-42"))
                .anySatisfy(line -> assertThat(line).isEqualTo("    Statement: SELECT complain('at' || '-' || 42)"));
        assertThat(app.value("SELECT failure FROM df.map_items WHERE instance_id = ?", failed.id()))
                .isEqualTo(app.value(
                        "SELECT jsonb_build_object('node', ?::text, 'node_type', 'SQL', 'path', 'root.left.left.right', 'name', 'told',"
                                + " 'executed_query', 'SELECT complain(''at'' || ''-'' || 42)',"
                                + " 'detail', 'the detail of at-42', 'hint', 'try later')",
                        app.node(failed.id(), "SELECT complain", "id")));
    }

    @Test
    void items_that_go_by_say_it_too_with_the_position_and_the_values_that_were_bound() throws SQLException {
        var misspelt = app.run("df.map('SELECT 1 AS n', 'SELECT 1, nope FROM account', on_failure => 'continue')");
        assertThat(misspelt.status()).isEqualTo("completed");
        assertThat(app.value("SELECT failure ->> 'position' FROM df.map_items WHERE instance_id = ?", misspelt.id()))
                .isEqualTo("11");

        var bound = app.run("df.map('SELECT 7 AS n', df.sql('INSERT INTO account VALUES ($1)', '$item.n'))");
        assertThat(info(bound.id()))
                .contains(
                        "DETAIL: Key (id)=(7) already exists.",
                        "Statement: INSERT INTO account VALUES ($1)",
                        "Parameters: [7]");

        var completed = app.run("df.map('SELECT 1 AS n', 'SELECT 1')");
        assertThat(app.value(
                        "SELECT count(*) FROM df.map_items WHERE instance_id = ? AND failure IS NULL", completed.id()))
                .isEqualTo("1");
    }

    @Test
    void the_step_that_decided_is_told_though_another_branch_of_its_item_went_on() throws SQLException {
        var failed = app.run(
                "df.map('SELECT 1 AS n', df.if('SELECT false', 'SELECT 1', df.join('SELECT complain(''early'')', 'SELECT pg_sleep(0.3)')))");
        assertThat(info(failed.id()))
                .contains(
                        "Item 1 of df.map failed: JOIN branch 1 failed: ",
                        ", root.left.right.left (SQL)",
                        "DETAIL: the detail of early",
                        "HINT: try later",
                        "Statement: SELECT complain('early')");
    }

    @Test
    void a_map_in_a_map_names_the_innermost_step() throws SQLException {
        var failed =
                app.run("df.map('SELECT 1 AS n', df.map('SELECT 3 AS k', 'SELECT complain(''in'')', item => 'inner'))");
        assertThat(info(failed.id()))
                .contains(
                        "Item 1 of df.map failed: Item 1 of df.map failed: ",
                        "Step: " + app.node(failed.id(), "SELECT complain", "id") + ", root.left.left (SQL)",
                        "Statement: SELECT complain('in')");
    }

    @Test
    void a_request_of_an_item_says_what_was_answered() throws Exception {
        service.on("/short", 418, "text/plain", "short and stout");
        var failed = app.run("df.map('SELECT 1 AS n', df.http('" + service.url("/short") + "', expect => '2xx'))");
        assertThat(info(failed.id())).contains("(HTTP)", "Code: http:418", "Answer: short and stout");
    }

    @Test
    void the_loser_of_a_race_and_what_was_cancelled_is_skipped() throws SQLException {
        var race = app.run("df.race('SELECT 1', df.sleep(3600)) ~> 'SELECT 2'");
        assertThat(explained(race.id())).anySatisfy(line -> assertThat(line).contains("SLEEP 3600s ⊘"));

        String cancelled = app.start("'SELECT 1' ~> df.sleep(3600) ~> 'SELECT 3'");
        app.awaitValue(
                "running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", cancelled);
        app.value("SELECT df.cancel(?)", cancelled);
        app.await(cancelled);
        assertThat(explained(cancelled))
                .anySatisfy(line -> assertThat(line).startsWith("SQL: SELECT 1 ✓"))
                .anySatisfy(line -> assertThat(line).startsWith("→ SLEEP 3600s ⊘"))
                .anySatisfy(line -> assertThat(line).startsWith("→ SQL: SELECT 3 ⊘"))
                .noneSatisfy(line -> assertThat(line).contains("○"));
    }

    @Test
    void what_waits_says_until_when_with_the_zone_and_a_loop_its_round() throws SQLException {
        String id = app.start(
                "df.loop('SELECT 1' ~> df.if('SELECT count(*) > 1 FROM df.executions WHERE instance_id = ''{sys_instance_id}''',"
                        + " df.sleep(3600), 'SELECT 2'))");
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", id);
        app.execute("SET TimeZone = 'Asia/Kolkata'");
        List<String> lines = explained(id);
        app.execute("RESET TimeZone");
        assertThat(lines)
                .anySatisfy(line -> assertThat(line).matches("LOOP .*⏳ {2}round 3.*"))
                .anySatisfy(
                        line -> assertThat(line)
                                .matches(
                                        ".*SLEEP 3600s ⏳ {2}until 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\+05:30, since .*"))
                .anySatisfy(line -> assertThat(line).matches(".*IF ⏳.*"))
                .anySatisfy(line -> assertThat(line).matches(".*SQL: SELECT 1 ✓ {2}20.*, \\d+ ms"));
        app.value("SELECT df.cancel(?)", id);
    }

    @Test
    void a_request_shows_its_status() throws Exception {
        service.on("/teapot", 418, "text/plain", "short and stout");
        String ok = app.run("df.http('" + service.url("/teapot") + "')").id();
        assertThat(explained(ok)).anySatisfy(line -> assertThat(line).matches("HTTP POST .* ✓ {2}status 418, 20.*"));
        var failed = app.run("df.http('" + service.url("/teapot") + "', expect => '2xx')");
        assertThat(explained(failed.id()))
                .anySatisfy(line -> assertThat(line).matches("HTTP POST .* ✗ {2}status 418, 20.*"))
                .anySatisfy(line -> assertThat(line).isEqualTo("    Answer: short and stout"));
        assertThat(info(failed.id())).contains("Code: http:418", "Answer: short and stout", "(HTTP)");
    }

    @Test
    void a_variable_that_was_never_set_is_named_as_what_the_brace_may_mean() throws SQLException {
        assertThat(app.run("'SELECT * FROM {tabel}'").output())
                .contains("syntax error at or near \"{\"", "df.setvar", "vars in the options of df.start");
        assertThat(app.run("'SELECT * FRM account'").output()).doesNotContain("df.setvar");
    }

    @Test
    void a_retry_shows_its_attempt_and_how_the_last_one_failed() throws SQLException {
        String id = app.start("df.retry('SELECT complain(''first'')', 3, '1 hour')");
        app.awaitValue("2", "SELECT attempt FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'", id);
        assertThat(explained(id))
                .anySatisfy(line -> assertThat(line).matches("RETRY \\(attempt 2 of 3\\) ⏳ {2}next at 20.*"))
                .anySatisfy(line -> assertThat(line).contains("no first"));
        assertThat(app.value(
                        "SELECT started_at <= clock_timestamp() FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'",
                        id))
                .isEqualTo("t");
        app.value("SELECT df.cancel(?)", id);
    }

    @Test
    void a_round_that_has_ended_has_lasted_as_long_as_it_did() throws SQLException {
        String id = app.run(
                        "df.loop('SELECT pg_sleep(0.05)' ~> df.if('SELECT count(*) > 0 FROM df.executions WHERE instance_id = ''{sys_instance_id}''',"
                                + " df.break('x'), 'SELECT 2'))")
                .id();
        assertThat(app.value(
                        "SELECT duration_ms BETWEEN 50 AND 30000 FROM df.instance_executions(?) WHERE execution_id = 1",
                        id))
                .isEqualTo("t");
    }

    @Test
    void a_signal_that_nobody_waits_for_is_not_sent_without_a_word() throws SQLException {
        String id = app.start("df.wait_for_signal('go')");
        assertThat(notice("SELECT df.signal('" + id + "', 'go')")).isNull();
        app.await(id);
        assertThat(notice("SELECT df.signal('" + id + "', 'go')"))
                .contains("No signal is sent: instance " + id + " is completed");
        String other = app.start("df.wait_for_signal('approved')");
        assertThat(notice("SELECT df.signal('" + other + "', 'aproved')"))
                .contains("Nothing in instance " + other + " waits for a signal of the name 'aproved'");
        app.value("SELECT df.cancel(?)", other);
    }

    private static @Nullable String notice(String sql) throws SQLException {
        try (Statement statement = app.connection().createStatement()) {
            statement.execute(sql);
            return statement.getWarnings() == null
                    ? null
                    : statement.getWarnings().getMessage();
        }
    }

    @Test
    void starting_without_options_is_a_signature_of_its_own() throws SQLException {
        assertThat(app.value("SELECT 'df.start(text,text,text,text)'::regprocedure::text"))
                .isNotNull();
        assertThat(
                        app.value(
                                "SELECT length(df.start('SELECT 1', 'l')) + length(df.start('SELECT 1'::text)) + length(df.start(df.sql('SELECT 1'), label => 'x'))"
                                        + " + length(df.start('SELECT 1', 'l', NULL, 'caller')) + length(df.start('SELECT 1', 'l', options => '{}'))"
                                        + " + length(df.start(df.sql('SELECT 1'), options => '{\"vars\": {\"a\": 1}}')) + length(df.start('SELECT 1'::varchar))"))
                .isEqualTo("56");
    }
}
