package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code df.fork}: a new instance with what had completed in another one. */
class ForkTest {

    private static final Map<String, String> NAMED = new HashMap<>();

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "fork_app");
        app.execute("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, step text);"
                + " CREATE FUNCTION work(step text) RETURNS text LANGUAGE sql AS $$"
                + " INSERT INTO ledger (step) VALUES (work.step) RETURNING 'result of ' || step $$");
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

    private static String work(String step) {
        return "'SELECT work(''" + step + "'') AS r'";
    }

    private static String ledger() throws SQLException {
        return app.value("SELECT coalesce(string_agg(step, ',' ORDER BY id), '') FROM ledger");
    }

    private static String node(String id, String part) throws SQLException {
        return app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND strpos(query, ?) > 0", id, part);
    }

    private static String type(String id, String type) throws SQLException {
        return app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = ?", id, type);
    }

    @Test
    void a_fork_that_is_rolled_back_leaves_nothing() throws SQLException {
        var failed = app.run(work("once") + " ~> 'SELECT 1/0'");
        try (Connection session = database.connect("fork_app")) {
            session.setAutoCommit(false);
            TestDatabase.rows(
                    session,
                    "SELECT df.fork(?, replace => jsonb_build_object(?, 'SELECT work(''forked'')'))",
                    failed.id(),
                    node(failed.id(), "1/0"));
            session.rollback();
        }
        assertThat(app.value("SELECT count(*) FROM df.instances WHERE forked_from = ?", failed.id()))
                .isEqualTo("0");
        String id = app.value(
                "SELECT df.fork(?, replace => jsonb_build_object(?, 'SELECT work(''after'')'))",
                failed.id(),
                node(failed.id(), "1/0"));
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("once,after");
    }

    @Test
    void a_statement_that_was_wrong_is_repaired_and_the_rest_goes_on() throws SQLException {
        var failed = app.run(work("a")
                + " |=> 'first' ~> 'SELECT 1/0 AS v' |=> 'second' ~> 'SELECT $first AS of_a, $second AS of_b',"
                + " label => 'the label', options => '{\"vars\": {\"x\": \"1\"}}'");

        String id = app.value(
                "SELECT df.fork(?, replace => jsonb_build_object(?, 'SELECT 42 AS v'), vars => '{\"y\": 2}')",
                failed.id(),
                node(failed.id(), "1/0"));

        var ended = app.await(id);
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a");
        assertThat(app.result(id).at("/rows/0/of_a").asText()).isEqualTo("result of a");
        assertThat(app.result(id).at("/rows/0/of_b").asInt()).isEqualTo(42);
        assertThat(app.rows(
                        "SELECT forked_from, label, vars::text, execution_count, idempotency_key FROM df.instances WHERE id = ?",
                        id))
                .containsExactly(
                        java.util.Arrays.asList(failed.id(), "the label", "{\"x\": \"1\", \"y\": \"2\"}", "1", null));
        assertThat(app.value("SELECT df.status(?)", failed.id())).isEqualTo("failed");
        assertThat(app.value("SELECT count(*) FROM df.nodes WHERE instance_id = ? AND status = 'completed'", id))
                .isEqualTo("5");
        assertThat(app.value(
                        "SELECT string_agg(DISTINCT split_part(status_details ->> 'execution_id', '::', 1), ',')"
                                + " FROM df.nodes WHERE instance_id = ?",
                        id))
                .isEqualTo(id);
    }

    @Test
    void what_was_copied_outlives_the_instance_that_it_is_from() throws SQLException {
        var failed = app.run(work("a")
                + " |=> 'first' ~> 'SELECT 1/{zero} AS v, $first AS of_a', options => '{\"vars\": {\"zero\": 0}}'");
        String id = app.value("SELECT df.fork(?, vars => '{\"zero\": 1}')", failed.id());
        database.execute(
                "postgres",
                "DELETE FROM df._checkpoints WHERE instance_id = '" + failed.id()
                        + "'; DELETE FROM df.instances WHERE id = '" + failed.id() + "'");

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.result(id).at("/rows/0/of_a").asText()).isEqualTo("result of a");
    }

    @Test
    void one_that_has_completed_is_copied_up_to_a_node() throws SQLException {
        var done = app.run(
                work("a") + " ~> df.join(" + work("b") + " ~> " + work("c") + ", " + work("d") + ") ~> " + work("e"));
        app.execute("TRUNCATE ledger");

        String id = app.value("SELECT df.fork(?, ?)", done.id(), node(done.id(), "'c'"));

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("c,e");
    }

    @Test
    void a_node_is_replaced_by_a_whole_graph() throws SQLException {
        var failed =
                app.run("df.loop(" + work("a") + " |=> 'x' ~> df.retry('SELECT 1/0', 2, '0 s') ~> df.break('$x'))");
        String retry = app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'", failed.id());

        String id = app.value(
                "SELECT df.fork(?, replace => jsonb_build_object(?, df.join(" + work("b") + ", " + work("b")
                        + ") ~> 'SELECT $x'))",
                failed.id(),
                retry);

        var ended = app.await(id);
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b,b");
    }

    @Test
    void a_map_that_has_completed_is_not_run_again_and_its_items_are_still_read() throws SQLException {
        var done = app.run(
                "df.map('SELECT g AS n FROM generate_series(1, 3) AS g', 'SELECT work(''item'') AS r') |=> 'done'"
                        + " ~> 'SELECT work(''of '' || $done.completed || '' '' || count(*)) AS r FROM $done.items WHERE status = ''completed'''");
        assertThat(ledger()).isEqualTo("item,item,item,of 3 3");
        app.execute("TRUNCATE ledger");

        String behind = app.value("SELECT df.fork(?, ?)", done.id(), node(done.id(), "'of '"));
        assertThat(app.await(behind).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("of 3 3");
        assertThat(app.value("SELECT count(*) FROM df.map_items WHERE instance_id = ?", behind))
                .isEqualTo("0");

        app.execute("TRUNCATE ledger");
        String again = app.value("SELECT df.fork(?, ?)", done.id(), type(done.id(), "MAP"));
        assertThat(app.await(again).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("item,item,item,of 3 3");
        assertThat(app.value("SELECT count(*) FROM df.map_items WHERE instance_id = ? AND status = 'completed'", again))
                .as("items of its own")
                .isEqualTo("3");
    }

    @Test
    void a_saga_that_has_completed_is_neither_run_again_nor_undone() throws SQLException {
        var done = app.run("df.saga(df.with_undo(" + work("a") + ", " + work("undo of a") + ") ~> " + work("b")
                + ") ~> " + work("c"));
        assertThat(ledger()).isEqualTo("a,b,c");
        app.execute("TRUNCATE ledger");

        String failing = app.value(
                "SELECT df.fork(?, ?, replace => jsonb_build_object(?, 'SELECT 1/0'))",
                done.id(),
                node(done.id(), "'c'"),
                node(done.id(), "'c'"));
        assertThat(app.await(failing).status()).isEqualTo("failed");
        assertThat(ledger()).isEqualTo("");
        assertThat(app.value("SELECT compensated FROM df.instances WHERE id = ?", failing))
                .isEqualTo("f");

        String again = app.value(
                "SELECT df.fork(?, ?, replace => jsonb_build_object(?, 'SELECT 1/0'))",
                done.id(),
                type(done.id(), "SAGA"),
                node(done.id(), "'b'"));
        assertThat(app.await(again).status()).isEqualTo("failed");
        assertThat(ledger()).isEqualTo("a,undo of a");
    }

    @Test
    void a_child_that_has_completed_is_not_called_again_and_one_that_is_belongs_to_the_copy() throws SQLException {
        app.value("SELECT df.define('forked_child', " + work("child") + ")");
        var done = app.run("df.call('forked_child') |=> 'x' ~> 'SELECT work(''got '' || $x.r) AS r'");
        assertThat(done.status()).as(done.output()).isEqualTo("completed");
        app.execute("TRUNCATE ledger");
        String children = "SELECT count(*) FROM df.instances WHERE parent_id = ?";

        String behind = app.value("SELECT df.fork(?, ?)", done.id(), node(done.id(), "'got '"));
        assertThat(app.await(behind).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("got result of child");
        assertThat(app.value(children, behind)).isEqualTo("0");

        app.execute("TRUNCATE ledger");
        String again = app.value("SELECT df.fork(?, ?)", done.id(), type(done.id(), "CALL"));
        assertThat(app.await(again).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("child,got result of child");
        assertThat(app.value(children, again)).isEqualTo("1");
        assertThat(app.value(children, done.id())).isEqualTo("1");
    }

    @Test
    void a_cancelled_one_is_copied_when_it_is_wound_up() throws SQLException {
        String cancelled = app.start(work("a") + " ~> df.sleep(3600) ~> " + work("b"));
        app.awaitValue(
                "running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", cancelled);
        app.value("SELECT df.cancel(?)", cancelled);

        String id = app.value(
                "SELECT df.fork(?, replace => jsonb_build_object(?, df.sleep(0)))",
                cancelled,
                app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", cancelled));

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(ledger()).isEqualTo("a,b");
    }

    @Test
    void one_key_makes_one_fork() throws SQLException {
        var failed = app.run(work("a") + " ~> 'SELECT 1/{zero}', options => '{\"vars\": {\"zero\": 0}}'");
        String fork = "SELECT df.fork(?, vars => '{\"zero\": 1}', options => '{\"idempotency_key\": \"forked\"}')";
        String id = app.value(fork, failed.id());

        assertThat(app.value(fork, failed.id())).isEqualTo(id);
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value(fork, failed.id())).isEqualTo(id);
        assertThat(ledger()).isEqualTo("a");
    }

    private static void name() throws SQLException {
        NAMED.put("completed", app.run("'SELECT 1'").id());
        String running = app.start("'SELECT 1' ~> df.wait_for_signal('never')");
        app.awaitValue("running", "SELECT df.status(?)", running);
        NAMED.put("running", running);
        String failed = app.run("'SELECT 5' ~> df.if('SELECT true', 'SELECT 1/0', 'SELECT 7')")
                .id();
        NAMED.put("failed", failed);
        NAMED.put("broken", node(failed, "1/0"));
        NAMED.put("first", node(failed, "SELECT 5"));
        NAMED.put("other", node(failed, "SELECT 7"));
        NAMED.put("if", app.value("SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = 'IF'", failed));
        NAMED.put("byHand", "0badcafe");
        app.execute(
                "BEGIN; INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('0badcafe', '00000001', 'fork_app');"
                        + " INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by)"
                        + " VALUES ('00000001', '0badcafe', 'SQL', 'SELECT 1/0', 'fork_app'); COMMIT");
        app.await("0badcafe");
    }

    private static String fill(String text) {
        String filled = text;
        for (var entry : NAMED.entrySet()) {
            filled = filled.replace('{' + entry.getKey() + '}', entry.getValue());
        }
        return filled;
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "SELECT df.fork(NULL); 22004 argument 0 must not be null: instance_id",
                "SELECT df.fork('nope'); XX000 Instance not found or access denied: nope",
                "SELECT df.fork('{running}'); 55000 Instance {running} is running",
                "SELECT df.fork('{completed}'); 55000 Instance {completed} is completed: there is no node that has failed",
                "SELECT df.fork('{byHand}'); 0A000 Instance {byHand} was written node by node",
                "SELECT df.fork('{failed}', 'nope'); 22023 there is no node 'nope'",
                "SELECT df.fork('{failed}', '{other}'); 55000 node {other} (SQL) is in the branch that was not taken",
                "SELECT df.fork('{failed}', replace => '[]'); 22023 replace of df.fork() must be a JSON object",
                "SELECT df.fork('{failed}', replace => '{\"nope\": \"SELECT 1\"}'); 22023 replace of df.fork(): there is no node 'nope'",
                "SELECT df.fork('{failed}', replace => '{\"{broken}\": 1}'); 22023 replace of df.fork(): what replaces node {broken} must be the text of a node",
                "SELECT df.fork('{failed}', replace => '{\"{broken}\": null}'); 22023 replace of df.fork(): what replaces node {broken} must be the text of a node",
                "SELECT df.fork('{failed}', replace => '{\"{first}\": \"SELECT 1\"}'); 22023 node {first} (SQL) has completed and does not run again",
                "SELECT df.fork('{failed}', replace => '{\"{if}\": \"SELECT 1\", \"{broken}\": \"SELECT 1\"}'); 22023 replace of df.fork(): node {broken} is a part of node {if}",
                "SELECT df.fork('{failed}', replace => '{\"{broken}\": {\"node_type\": \"NOPE\"}}'); XX000 replace of df.fork(), node {broken}: Invalid durable function",
                "SELECT df.fork('{failed}', replace => '{\"{broken}\": \"SELECT $nope\"}'); XX000 Invalid durable function graph",
                "SELECT df.fork('{failed}', vars => '1'); 22023 vars of df.fork() must be a JSON object",
                "SELECT df.fork('{failed}', options => '{\"nope\": 1}'); 22023 unknown option \"nope\"",
            })
    void what_cannot_be_copied_is_refused(String statement, String expected) throws SQLException {
        if (NAMED.isEmpty()) {
            name();
        }
        assertThatThrownBy(() -> app.execute(fill(statement)))
                .isInstanceOfSatisfying(SQLException.class, e -> assertThat(
                                e.getSQLState() + " " + e.getMessage().replace("ERROR: ", ""))
                        .startsWith(fill(expected)));
    }

    @Test
    void nobody_copies_the_instance_of_another_role() throws SQLException {
        String id = app.run("'SELECT 1/0'").id();
        try (Submitter other = Submitter.of(database, "fork_other")) {
            assertThatThrownBy(() -> other.value("SELECT df.fork(?)", id))
                    .hasMessageContaining("not found or access denied");
            assertThatThrownBy(() -> other.execute(
                            "INSERT INTO df._forks (id, root_node, submitted_by, forked_from, replaced, graph)"
                                    + " VALUES ('00000000', '00000001', 'fork_other', '" + id + "', '{}', '{}')"))
                    .hasMessageContaining("row-level security");
        }
        assertThat(app.rows("SELECT id FROM df.instances WHERE forked_from = ?", id))
                .isEqualTo(List.of());
    }
}
