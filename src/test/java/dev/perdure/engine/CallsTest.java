package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Named workflows that call each other: one child for each execution of a node, whose result, failure and end are the parent's. */
class CallsTest {

    private static TestDatabase database;
    private static Submitter app;
    private static Submitter other;
    private static InProcessWorker worker;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "call_app");
        other = Submitter.of(database, "call_other");
        app.execute("CREATE TABLE done (what text, instance text)");
        worker = InProcessWorker.start(database);
    }

    @AfterAll
    static void end() throws SQLException {
        worker.close();
        app.close();
        other.close();
    }

    private static String define(String name, String fut) throws SQLException {
        return Objects.requireNonNull(app.value("SELECT df.define('" + name + "', " + fut + ")"));
    }

    private static SQLException refusal(Submitter who, String sql) {
        return Objects.requireNonNull(catchThrowableOfType(SQLException.class, () -> who.execute(sql)), sql);
    }

    private static String done(String what) throws SQLException {
        return Objects.requireNonNull(app.value("SELECT count(*) FROM done WHERE what = ?", what));
    }

    private static String children(String parent) throws SQLException {
        return Objects.requireNonNull(app.value("SELECT count(*) FROM df.instances WHERE parent_id = ?", parent));
    }

    private static String childOf(String parent) {
        app.awaitValue("1", "SELECT count(*) FROM df.instances WHERE parent_id = ?", parent);
        try {
            return Objects.requireNonNull(app.value("SELECT id FROM df.instances WHERE parent_id = ?", parent));
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    /** A child that says that it runs and waits until somebody lets it go on. */
    private static String waiting(String what) {
        return "'INSERT INTO done VALUES (''" + what + "'', ''{sys_instance_id}'')' ~> " + Submitter.GATE
                + " ~> 'SELECT ''ended''::text AS how'";
    }

    @Test
    void the_result_of_the_child_is_the_result_of_the_node_with_its_types() throws SQLException {
        app.execute(
                "SELECT df.define('double', df.sql('SELECT $1::bigint * 2 AS n, {factor} AS f, now() AS at', '{amount}'),"
                        + " '{\"amount\": {\"type\": \"bigint\", \"required\": true}, \"factor\": {\"type\": \"integer\", \"default\": 3}}')");
        String id = app.start("'SELECT 21 AS id' |=> 'o' ~> df.call('double', '{\"amount\": \"$o.id\"}') |=> 'r'"
                + " ~> 'SELECT $r.n + 1 AS n, $r.f AS f, $r.at + interval ''1 day'' > now() AS later'");

        assertThat(app.await(id).output()).contains("\"n\":43", "\"f\":3", "\"later\":true");
        assertThat(children(id)).isEqualTo("1");
        assertThat(app.value("SELECT string_agg(label, ',') FROM df.list_instances(NULL, 1000) WHERE label = 'double'"))
                .isNull();
        assertThat(app.value("SELECT count(*) FROM df.list_instances(include_children => true) WHERE parent_id = '" + id
                        + "'"))
                .isEqualTo("1");
        assertThat(app.value("SELECT df.explain(?)", id)).contains("CALL double", "version 1, child " + childOf(id));
        assertThat(app.value("SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'CALL'", id))
                .isEqualTo("completed");
    }

    @Test
    void what_runs_holds_its_own_nodes_when_there_is_a_new_version_or_none() throws SQLException {
        assertThat(define("versioned", waiting("version one"))).isEqualTo("1");
        String id = app.start("df.call('versioned')");
        app.awaitValue("1", "SELECT count(*) FROM done WHERE what = 'version one'");
        assertThat(define("versioned", "'SELECT 2 AS n'")).isEqualTo("2");
        assertThat(app.run("df.call('versioned')").output()).contains("\"n\":2");
        String old = app.start("df.call('versioned', version => 1)");
        app.awaitValue("2", "SELECT count(*) FROM done WHERE what = 'version one'");
        app.execute("SELECT df.drop_definition('versioned')");
        app.open(childOf(id));
        app.open(childOf(old));

        assertThat(app.await(id).output()).contains("\"how\":\"ended\"");
        assertThat(app.await(old).status()).isEqualTo("completed");
        assertThat(app.run("df.call('versioned')").output()).contains("definition \"versioned\" does not exist");
    }

    @Test
    void a_failure_of_the_child_is_caught_by_its_code_and_retried_with_a_new_child() throws SQLException {
        app.execute("CREATE SEQUENCE tries OWNED BY NONE; GRANT ALL ON SEQUENCE tries TO PUBLIC");
        define("second time lucky", "'SELECT 1 / (nextval(''tries'') - 1) AS n'");
        String id = app.start("df.retry(df.call('second time lucky'), 5, '1 ms', retry_on => '{child}')");

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(children(id)).isEqualTo("2");
        define("hopeless", "'SELECT 1 / 0'");
        assertThat(app.run("df.catch(df.call('hopeless'), 'SELECT $error.code AS code', '{child}')")
                        .output())
                .contains("\"code\":\"child\"");
        assertThat(app.run("df.call('hopeless')").output()).contains("(hopeless) failed: ", "division by zero");
    }

    @Test
    void arguments_are_checked_when_the_child_is_called() throws SQLException {
        app.execute("SELECT df.define('strict', 'SELECT ''{a}''::text AS a, ''{b}''::text AS b',"
                + " '{\"a\": {\"type\": \"date\", \"required\": true}, \"b\": {\"type\": \"numeric(6,2)[]\"}}')");

        assertThat(app.run("df.call('strict', '{\"a\": \"2026-02-30\"}')").output())
                .contains("parameter \"a\" is no date");
        assertThat(app.run("df.call('strict')").output()).contains("parameter \"a\" is required");
        assertThat(app.run("df.call('strict', '{\"c\": 1}')").output())
                .contains("has no parameter \"c\": there are a, b");
        assertThat(app.run("df.call('strict', '{\"a\": \"2026-02-03\", \"b\": [1, 2.5]}')")
                        .output())
                .contains("\"a\":\"2026-02-03\"", "\"b\":\"{1.00,2.50}\"");
        assertThat(app.run("df.call('strict', '{\"a\": \"2026-02-03\"}', 7)").output())
                .contains("has no version 7: the latest one is 1");
        assertThat(refusal(
                                app,
                                "SELECT df.define('x', 'SELECT 1', '{\"a\": {\"type\": \"int); DROP TABLE done; --\"}}')")
                        .getSQLState())
                .isIn("42601", "42704");
        assertThat(refusal(
                                app,
                                "SELECT df.define('x', 'SELECT 1', '{\"a\": {\"default\": \"x\", \"type\": \"bigint\"}}')")
                        .getMessage())
                .contains("is no bigint");
        assertThat(refusal(app, "SELECT df.call('', '{}')").getMessage()).contains("must not be empty");
        assertThat(refusal(app, "SELECT df.call('x', '[1]')").getMessage()).contains("args must be a JSON object");
        assertThat(refusal(app, "SELECT df.start(df.call('x', '{\"a\": \"$nope\"}'))")
                        .getMessage())
                .contains("no step of this workflow binds the name of $nope");
        assertThat(refusal(app, "SELECT df.start('{\"node_type\":\"CALL\",\"query\":\"{}\"}')")
                        .getMessage())
                .contains("CALL has no name");
    }

    @Test
    void the_child_ends_once_when_the_worker_dies_before_the_parent_has_gone_on() throws SQLException {
        define("survivor", waiting("survivor") + " ~> 'INSERT INTO done VALUES (''survivor ended'', '''')'");
        String id = app.start("df.call('survivor') ~> 'INSERT INTO done VALUES (''survivor''''s parent'', '''')'");
        app.awaitValue("1", "SELECT count(*) FROM done WHERE what = 'survivor'");
        worker.loseMemory();
        app.open(childOf(id));
        worker.loseMemory();

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(children(id)).isEqualTo("1");
        assertThat(done("survivor")).isEqualTo("1");
        assertThat(done("survivor ended")).isEqualTo("1");
        assertThat(done("survivor's parent")).isEqualTo("1");
    }

    @Test
    void a_cancel_a_lost_race_and_a_time_limit_end_the_whole_tree() throws SQLException {
        define("leaf", waiting("leaf"));
        define("middle", "df.call('leaf') ~> 'SELECT 1'");
        String cancelled = app.start("df.call('middle')");
        app.awaitValue("1", "SELECT count(*) FROM done WHERE what = 'leaf'");
        String middle = childOf(cancelled);
        String leaf = childOf(middle);
        app.value("SELECT df.cancel(?, 'no more')", cancelled);

        assertThat(app.await(cancelled).status()).isEqualTo("cancelled");
        assertThat(app.await(middle).output()).isEqualTo("canceled: its parent " + cancelled + " has ended it");
        assertThat(app.await(leaf).output()).isEqualTo("canceled: its parent " + middle + " has ended it");
        String raced = app.start("df.race(df.call('middle'), " + Submitter.GATE + ")");
        String inRace = childOf(childOf(raced));
        app.open(raced);
        assertThat(app.await(raced).status()).isEqualTo("completed");
        assertThat(app.await(inRace).status()).isEqualTo("cancelled");
        String limited = app.start("df.timeout(df.call('middle'), '200 ms', 'SELECT 7 AS n')");
        assertThat(app.await(limited).output()).contains("\"n\":7");
        assertThat(app.value("SELECT string_agg(DISTINCT status, ',') FROM df.instances WHERE parent_id = ?", limited))
                .isIn("cancelled", null);
        assertThat(app.value(
                        "SELECT count(*) FROM df.signals WHERE instance_id IN (?, ?, ?)", cancelled, middle, limited))
                .isEqualTo("0");
    }

    @Test
    void a_definition_that_calls_itself_is_bounded() throws SQLException {
        define("endless", "df.call('endless')");
        String id = app.start("df.call('endless')");

        assertThat(app.await(id).output()).contains("would stand 17 levels deep, at most 16 are allowed");
        assertThat(app.value("WITH RECURSIVE t AS (SELECT '" + id
                        + "'::text AS id UNION ALL SELECT i.id::text FROM t JOIN df.instances i"
                        + " ON i.parent_id = t.id) SELECT count(*) FROM t"))
                .isEqualTo("17");
    }

    @Test
    void each_item_of_a_map_has_a_child_of_its_own() throws SQLException {
        app.execute(
                "SELECT df.define('square', df.sql('SELECT $1::int * $1::int AS n', '{x}'), '{\"x\": {\"type\": \"int\"}}')");
        String id = app.start(
                "df.map('SELECT g AS x FROM generate_series(1, 20) g', df.call('square', '{\"x\": \"$item.x\"}')) |=> 'm'"
                        + " ~> 'SELECT sum((result -> ''rows'' -> 0 ->> ''n'')::int) AS s FROM $m.items'");

        assertThat(app.await(id).output()).contains("\"s\":2870");
        assertThat(children(id)).isEqualTo("20");
    }

    @Test
    void a_map_that_is_cancelled_ends_the_children_of_its_items() throws SQLException {
        define("item", waiting("item"));
        String id = app.start("df.map('SELECT g FROM generate_series(1, 3) g', df.call('item'))");
        app.awaitValue("3", "SELECT count(*) FROM done WHERE what = 'item'");
        app.value("SELECT df.cancel(?)", id);

        app.awaitValue(
                "3",
                "SELECT count(*) FROM df.instances WHERE parent_id = ? AND status = 'cancelled' AND output IS NOT NULL",
                id);
    }

    @Test
    void another_role_sees_and_calls_what_is_granted_and_runs_it_as_itself() throws SQLException {
        define("whoami", "'SELECT current_user::text AS who'");
        assertThat(other.value("SELECT count(*) FROM df.definitions WHERE name = 'whoami'"))
                .isEqualTo("0");
        assertThat(other.run("df.call('whoami')").output())
                .contains("does not exist, or role \"call_other\" may not call it");
        assertThat(refusal(other, "SELECT df.grant_definition('whoami', 'call_other')")
                        .getMessage())
                .contains("role \"call_other\" has no definition \"whoami\"");

        app.execute("SELECT df.grant_definition('whoami', 'call_other')");
        assertThat(other.run("df.call('whoami')").output()).contains("\"who\":\"call_other\"");
        assertThat(other.run("df.call('call_app.whoami')").output()).contains("\"who\":\"call_other\"");
        other.execute("SELECT df.define('whoami', 'SELECT ''mine'' AS who')");
        assertThat(other.run("df.call('whoami')").output()).contains("\"who\":\"mine\"");
        app.execute("SELECT df.revoke_definition('whoami', 'call_other')");
        assertThat(other.run("df.call('call_app.whoami')").output()).contains("may not call it");
        assertThat(refusal(
                                other,
                                "INSERT INTO df._definition_changes (owner, name, action) VALUES ('call_app', 'whoami', 'drop')")
                        .getSQLState())
                .isEqualTo("42501");
        assertThat(refusal(other, "SELECT * FROM df._definitions").getSQLState())
                .isEqualTo("42501");
        assertThat(
                        app.value(
                                "SELECT count(*) FROM df.children c JOIN df.instances i ON i.id = c.child_id WHERE i.submitted_by <> 'call_app'::regrole"))
                .isEqualTo("0");
    }

    @Test
    void what_two_roles_have_granted_under_one_name_has_to_be_named_with_its_role() throws SQLException {
        try (Submitter third = Submitter.of(database, "call_third")) {
            define("shared", "'SELECT 1 AS n'");
            other.execute(
                    "SELECT df.define('shared', 'SELECT 2 AS n'); SELECT df.grant_definition('shared', 'PUBLIC')");
            app.execute("SELECT df.grant_definition('shared', 'public')");

            assertThat(third.run("df.call('shared')").output())
                    .contains("definition \"shared\" is ambiguous: it is granted by ");
            assertThat(third.run("df.call('call_other.shared')").output()).contains("\"n\":2");
            assertThat(app.run("df.call('shared')").output()).contains("\"n\":1");
        }
    }

    @Test
    void a_redrive_keeps_the_child_that_completed_and_starts_a_new_one_for_that_which_failed() throws SQLException {
        app.execute("CREATE TABLE repaired (yes boolean); INSERT INTO repaired VALUES (false)");
        define("good", "'INSERT INTO done VALUES (''good'', '''')'");
        define("breaks", "'SELECT CASE WHEN yes THEN 1 ELSE 1 / (SELECT 0) END AS n FROM repaired'");
        String id = app.start("df.call('good') ~> df.call('breaks')");
        assertThat(app.await(id).status()).isEqualTo("failed");
        app.execute("UPDATE repaired SET yes = true");
        app.value("SELECT df.redrive(?)", id);

        app.awaitValue("completed", "SELECT status FROM df.instances WHERE id = ?", id);
        assertThat(done("good")).isEqualTo("1");
        assertThat(children(id)).isEqualTo("3");
    }

    @Test
    void a_child_that_completed_before_its_parent_was_told_is_no_second_one_after_a_redrive() throws SQLException {
        app.execute(
                "SELECT df.define('ends its parent', 'INSERT INTO done VALUES (''untold'', '''')'"
                        + " ~> 'SELECT 7 AS n, CASE WHEN (SELECT count(*) FROM done WHERE what = ''untold'') = 1 THEN df.cancel(''{parent}'') END AS c')");
        String id = app.start(
                "df.call('ends its parent', '{\"parent\": \"{sys_instance_id}\"}') |=> 'c' ~> 'SELECT $c.n + 1 AS n'");
        assertThat(app.await(id).status()).isEqualTo("cancelled");
        app.awaitValue("completed", "SELECT status FROM df.instances WHERE parent_id = ?", id);
        app.value("SELECT df.redrive(?)", id);

        assertThat(app.await(id).output()).contains("\"n\":8");
        assertThat(done("untold")).isEqualTo("1");
        assertThat(children(id)).isEqualTo("1");
    }

    @Test
    void retention_keeps_the_children_of_a_parent_that_lives() throws SQLException {
        define("short", "'SELECT 1'");
        String id = app.start("df.call('short') ~> " + Submitter.GATE);
        String child = childOf(id);
        app.await(child);
        String delete =
                "SELECT df._delete_ended((SELECT last_value FROM df._epoch_seq), now() + interval '1 day', NULL, NULL, 100000)";
        database.rows(PostgresServer.OWNER, delete);
        assertThat(children(id)).isEqualTo("1");
        app.open(id);
        app.await(id);
        database.rows(PostgresServer.OWNER, delete);
        assertThat(app.value("SELECT count(*) FROM df.instances WHERE id IN (?, ?)", id, child))
                .isEqualTo("0");
    }
}
