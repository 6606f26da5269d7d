package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What df.redrive does with items that have failed: what they had done stays done. */
class RedriveItemsTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "again_app");
        app.execute("CREATE TABLE done (what text); CREATE TABLE mended (id int)");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @BeforeEach
    void empty() throws SQLException {
        app.execute("TRUNCATE done, mended");
    }

    @Test
    void an_item_goes_on_behind_what_it_has_done() throws SQLException {
        redriven(
                "('INSERT INTO done SELECT concat(''a'', $item)' ~> 'SELECT 1 / count(*) FROM mended' ~> 'INSERT INTO done SELECT concat(''b'', $item)')");

        assertThat(app.rows("SELECT what FROM done ORDER BY what"))
                .containsExactly(
                        List.of("a1"), List.of("a2"), List.of("a3"), List.of("b1"), List.of("b2"), List.of("b3"));
    }

    @Test
    void results_of_what_it_has_done_are_known() throws SQLException {
        redriven(
                "('INSERT INTO done SELECT concat(''a'', $item) RETURNING what' |=> 'first' ~> 'SELECT 1 / count(*) FROM mended'"
                        + " ~> 'INSERT INTO done SELECT concat($first, ''b'')')");

        assertThat(app.rows("SELECT what FROM done ORDER BY what"))
                .containsExactly(
                        List.of("a1"), List.of("a1b"), List.of("a2"), List.of("a2b"), List.of("a3"), List.of("a3b"));
    }

    @Test
    void a_branch_that_has_completed_stays_and_the_one_that_failed_runs_again() throws SQLException {
        redriven(
                "(df.seq('INSERT INTO done SELECT concat(''a'', $item)', df.sleep('0.2 seconds')) & df.seq('INSERT INTO done SELECT concat(''b'', $item)', 'SELECT 1 / count(*) FROM mended'))");

        assertThat(app.rows("SELECT what, count(*) FROM done GROUP BY 1 ORDER BY 1"))
                .containsExactly(
                        List.of("a1", "1"),
                        List.of("a2", "1"),
                        List.of("a3", "1"),
                        List.of("b1", "1"),
                        List.of("b2", "1"),
                        List.of("b3", "1"));
    }

    @Test
    void attempts_begin_anew() throws SQLException {
        redriven(
                "df.seq('INSERT INTO done SELECT concat(''a'', $item)', df.retry('SELECT 1 / count(*) FROM mended', 2, '10ms'))");

        assertThat(app.value("SELECT count(*) FROM done")).isEqualTo("3");
    }

    @Test
    void a_failure_that_was_caught_stays_caught() throws SQLException {
        redriven(
                "(df.catch('SELECT 1 / 0', 'INSERT INTO done SELECT concat(''a'', $item)') ~> 'SELECT 1 / count(*) FROM mended' ~> 'INSERT INTO done SELECT concat(''b'', $item)')");

        assertThat(app.value("SELECT count(*) FROM done")).isEqualTo("6");
    }

    @Test
    void a_child_that_failed_is_called_once_more_and_one_that_completed_is_not() throws SQLException {
        app.value("SELECT df.define('writes', 'INSERT INTO done VALUES (''child'')')");
        app.value("SELECT df.define('fails', 'SELECT 1 / count(*) FROM mended')");
        redriven("(df.call('writes') ~> df.call('fails') ~> 'INSERT INTO done VALUES (''after'')')");

        assertThat(app.rows("SELECT what, count(*) FROM done GROUP BY 1 ORDER BY 1"))
                .containsExactly(List.of("after", "3"), List.of("child", "3"));
    }

    @Test
    void a_child_is_called_once_more_when_the_call_is_all_that_an_item_does() throws SQLException {
        app.value("SELECT df.define('fails alone', 'SELECT 1 / count(*) FROM mended')");
        redriven("df.call('fails alone')");

        assertThat(
                        app.rows(
                                "SELECT status, count(*) FROM df.instances WHERE parent_id IS NOT NULL AND label = 'fails alone' GROUP BY 1 ORDER BY 1"))
                .containsExactly(List.of("completed", "3"), List.of("failed", "6"));
    }

    @Test
    void a_loop_goes_on_in_its_round() throws SQLException {
        redriven(
                "df.loop('INSERT INTO done SELECT concat($item, '' '', count(*)) FROM done WHERE what LIKE concat($item, ''%'')' ~> 'SELECT 1 / CASE WHEN"
                        + " (SELECT count(*) FROM done WHERE what LIKE concat($item, ''%'')) = 2 THEN count(*) ELSE 1 END FROM mended',"
                        + " 'SELECT count(*) < 3 FROM done WHERE what LIKE concat($item, ''%'')', every => '0')");

        assertThat(app.rows("SELECT what FROM done ORDER BY what"))
                .containsExactly(
                        List.of("1 0"),
                        List.of("1 1"),
                        List.of("1 2"),
                        List.of("2 0"),
                        List.of("2 1"),
                        List.of("2 2"),
                        List.of("3 0"),
                        List.of("3 1"),
                        List.of("3 2"));
    }

    @Test
    void a_section_asks_for_its_slot_again() throws SQLException {
        app.value("SELECT df.create_queue('narrow', concurrency => 1)");
        redriven(
                "df.with_queue('INSERT INTO done SELECT concat(''a'', $item)' ~> 'SELECT 1 / count(*) FROM mended', 'narrow')");

        assertThat(app.value("SELECT count(*) FROM done")).isEqualTo("3");
        assertThat(app.rows("SELECT running, depth FROM df.queues WHERE name = 'narrow'"))
                .containsExactly(List.of("0", "0"));
    }

    @Test
    void a_worker_that_loses_its_memory_meanwhile_changes_nothing() throws SQLException {
        String id = app.value(
                "SELECT df.start(df.map('SELECT n FROM generate_series(1, 3) n', 'INSERT INTO done SELECT concat(''a'', $item)'"
                        + " ~> 'SELECT 1 / count(*) FROM mended' ~> df.sleep('0.2 seconds') ~> 'INSERT INTO done SELECT concat(''b'', $item)', on_failure => 'tolerate', tolerate => '2'))");
        assertThat(app.await(id).status()).isEqualTo("failed");
        app.execute("INSERT INTO mended VALUES (1)");
        app.value("SELECT df.redrive(?)", id);
        for (int i = 0; i < 3; i++) {
            worker.loseMemory();
        }

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value("SELECT count(*) || ' ' || count(DISTINCT what) FROM done"))
                .isEqualTo("6 6");
    }

    @Test
    void items_of_a_map_in_a_map_go_on_too() throws SQLException {
        redriven(
                "('INSERT INTO done SELECT concat(''o'', $item)' ~> df.map('SELECT n FROM generate_series(1, 2) n', 'INSERT INTO done SELECT concat(''i'', $inner)'"
                        + " ~> 'SELECT 1 / count(*) FROM mended' ~> 'INSERT INTO done SELECT concat(''j'', $inner)', 'inner'))");

        assertThat(app.rows("SELECT left(what, 1), count(*) FROM done GROUP BY 1 ORDER BY 1"))
                .containsExactly(List.of("i", "6"), List.of("j", "6"), List.of("o", "3"));
    }

    /** Runs a map of three items that fail, mends what they need, and lets the instance go on: twice, to see the second time, too. */
    private static void redriven(String body) throws SQLException {
        String id = app.value("SELECT df.start(df.map('SELECT n FROM generate_series(1, 3) n', " + body
                + ", max_concurrent => 1, on_failure => 'tolerate', tolerate => '2'))");
        assertThat(app.await(id).status()).isEqualTo("failed");
        app.value("SELECT df.redrive(?)", id);
        assertThat(app.await(id).status()).isEqualTo("failed");
        app.execute("INSERT INTO mended VALUES (1)");
        app.value("SELECT df.redrive(?)", id);
        var ended = app.await(id);
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.value("SELECT df.result(?)", id)).contains("\"completed\": 3");
    }
}
