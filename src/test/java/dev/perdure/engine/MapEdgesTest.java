package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Items that cannot be, what changes around a map, and ends that meet statements in flight. */
@SuppressWarnings("try")
class MapEdgesTest {

    /** Says that it has begun, changes a row, and lasts. */
    private static final String LASTING =
            "'SELECT nextval(''begun'')' ~> 'UPDATE chunk SET len = 1 WHERE id = $item.id' ~> 'SELECT pg_sleep(600)'";

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "edge_app");
        app.execute("CREATE TABLE chunk (id int PRIMARY KEY, words text, len int);"
                + " INSERT INTO chunk SELECT i, repeat('x', i), NULL FROM generate_series(1, 20) AS i;"
                + " CREATE TABLE seen (id int, words text); CREATE SEQUENCE begun;"
                + " CREATE FUNCTION has_begun(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
                + " WHILE (SELECT last_value FROM begun) < n LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN n; END $$");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    private void nothingIsInFlight() {
        await().until(() -> database.value(
                        "postgres",
                        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state <> 'idle'"
                                + " AND datname = current_database() AND pid <> pg_backend_pid()")
                .equals("0"));
    }

    private String statuses(String id) throws SQLException {
        return app.value(
                "SELECT string_agg(DISTINCT status, ',' ORDER BY status) FROM df.map_items WHERE instance_id = ?", id);
    }

    @Test
    void items_that_are_no_rows_fail_the_map_and_say_what_they_are() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("df.wait_for_signal('go') |=> 'answer' ~> df.map('$answer', 'SELECT 1')");
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
            app.value("SELECT df.signal(?, 'go', '{\"a\": 1}')", id);
            var ended = app.await(id);

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).startsWith("The items of df.map are no rows, or were deleted: {\"");
            assertThat(app.value("SELECT count(*) FROM df.map_items")).isEqualTo("0");
        }
    }

    @Test
    void an_item_of_more_than_a_mebibyte_fails_the_map_with_its_number_and_what_to_do() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String rows =
                    "SELECT i, repeat(''x'', CASE i WHEN 3 THEN 1048576 ELSE 1 END) AS t FROM generate_series(1, 4) AS i";
            String said = "item 3 of df.map has 1048593 bytes, at most 1048576 are allowed";

            var read = app.run("df.map('" + rows + "', 'SELECT 1')");
            assertThat(read.status()).isEqualTo("failed");
            assertThat(app.value("SELECT output FROM df.instance_info(?)", read.id()))
                    .contains(said, "SQLSTATE: 54000", "HINT: Select the key, and read large values in the body.");

            var named = app.run("'" + rows + "' |=> 'all' ~> df.map('$all', 'SELECT 1')");
            assertThat(named.status()).isEqualTo("failed");
            assertThat(named.output()).contains(said);
            assertThat(app.value("SELECT count(*) FROM df.map_items")).isEqualTo("0");
        }
    }

    @Test
    void the_items_are_those_of_the_moment_at_which_the_map_began_whatever_becomes_of_the_table() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            app.execute("SELECT pg_advisory_lock(7)");
            String id = app.start(
                    "df.map('SELECT id, words FROM chunk ORDER BY id',"
                            + " 'INSERT INTO seen SELECT $item.id, $item.words FROM (SELECT pg_advisory_xact_lock_shared(7)) AS l')");
            app.awaitValue("20", "SELECT count(*) FROM df.map_items WHERE instance_id = ?", id);
            app.execute(
                    "DELETE FROM chunk WHERE id <= 5; UPDATE chunk SET words = 'changed';"
                            + " INSERT INTO chunk SELECT i, 'new' FROM generate_series(30, 40) AS i; SELECT pg_advisory_unlock(7)");
            var ended = app.await(id);

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) || '/' || count(*) FILTER (WHERE words = repeat('x', id))"
                            + " || '/' || count(DISTINCT id) FROM seen"))
                    .isEqualTo("20/20/20");
        }
    }

    @Test
    void a_batch_is_a_set_of_rows_in_the_body() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.map('SELECT id, words FROM chunk ORDER BY id',"
                    + " 'INSERT INTO seen SELECT {sys_ordinal}, words FROM $item.*', batch_size => 8)");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) || '/' || count(DISTINCT words) FROM seen"))
                    .isEqualTo("20/20");
            assertThat(app.value("SELECT string_agg(DISTINCT id::text, ',' ORDER BY id::text) FROM seen"))
                    .as("three times for all")
                    .isEqualTo("1,17,9");
        }
    }

    @Test
    void a_failure_rolls_back_what_other_items_have_in_flight() throws SQLException {
        app.execute("CREATE FUNCTION fails() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM has_begun(3);"
                + " RAISE EXCEPTION 'the fourth'; END $$");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended =
                    app.run("df.map('SELECT id FROM chunk ORDER BY id', df.if('SELECT $item.id = 4', 'SELECT fails()',"
                            + " 'WITH u AS (UPDATE chunk SET len = nextval(''begun'') WHERE id = $item.id RETURNING 1)"
                            + " SELECT pg_sleep(600) FROM u'), max_concurrent => 4)");

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).startsWith("Item 4 of df.map failed: ").endsWith("the fourth");
            assertThat(app.value(
                            "SELECT string_agg(status || n, ' ' ORDER BY status) FROM (SELECT status, count(*) AS n"
                                    + " FROM df.map_items WHERE instance_id = '" + ended.id() + "' GROUP BY 1) AS s"))
                    .isEqualTo("cancelled19 failed1");
            nothingIsInFlight();
            assertThat(app.value("SELECT count(*) FROM chunk WHERE len IS NOT NULL"))
                    .isEqualTo("0");
        }
    }

    @Test
    void a_lost_race_rolls_back_what_its_items_have_in_flight() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(
                    "df.race(df.map('SELECT id FROM chunk', 'WITH u AS (UPDATE chunk SET len = nextval(''begun'')"
                            + " WHERE id = $item.id RETURNING 1) SELECT pg_sleep(600) FROM u', max_concurrent => 3),"
                            + " 'SELECT has_begun(3)') |=> 'n' ~> 'UPDATE chunk SET len = -1 WHERE id <= 3'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(statuses(ended.id())).isEqualTo("cancelled");
            nothingIsInFlight();
            assertThat(app.value("SELECT string_agg(len::text, ',') FROM chunk WHERE len IS NOT NULL"))
                    .isEqualTo("-1,-1,-1");
        }
    }

    @Test
    void a_time_limit_rolls_back_what_items_have_in_flight_before_something_else_is_done() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            // Rows that the items have locked.
            var ended = app.run("df.timeout(df.map('SELECT id FROM chunk ORDER BY id', 'WITH u AS (UPDATE chunk"
                    + " SET len = nextval(''begun'') WHERE id = $item.id RETURNING 1) SELECT pg_sleep(600) FROM u',"
                    + " max_concurrent => 3), '4 s', 'UPDATE chunk SET len = -1 WHERE id <= 3')");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT last_value >= 3 FROM begun"))
                    .as("three were in flight")
                    .isEqualTo("t");
            assertThat(statuses(ended.id())).isEqualTo("cancelled");
            nothingIsInFlight();
            assertThat(app.value("SELECT string_agg(len::text, ',') FROM chunk WHERE len IS NOT NULL"))
                    .isEqualTo("-1,-1,-1");
        }
    }

    @Test
    void steps_that_items_have_done_stay_done_when_the_map_is_cancelled() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.race(df.map('SELECT id FROM chunk ORDER BY id', " + LASTING
                    + ", max_concurrent => 2), df.loop(df.if('SELECT count(*) = 2 FROM chunk WHERE len = 1', df.break(), 'SELECT 1'),"
                    + " every => '50 ms')) ~> 'SELECT 1'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            nothingIsInFlight();
            assertThat(app.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM chunk WHERE len = 1"))
                    .isEqualTo("1,2");
        }
    }

    /** A map is one instance among those of its role, however many items it has at once. */
    @Test
    void items_take_turns_with_everything_else_of_their_role() throws SQLException {
        try (InProcessWorker worker =
                InProcessWorker.start(database, Map.of("perdure.step.max-concurrent-per-role", "3"))) {
            String map = app.start("df.map('SELECT id FROM generate_series(1, 200) AS id',"
                    + " 'SELECT nextval(''begun'') FROM pg_sleep(0.25)', max_concurrent => 100)");
            app.awaitValue("t", "SELECT last_value >= 3 FROM begun");

            var other = app.run("'SELECT 1' ~> df.sleep(0) ~> 'SELECT 2' ~> df.sleep(0) ~> 'SELECT 3'");

            assertThat(other.status()).as(other.output()).isEqualTo("completed");
            assertThat(app.value("SELECT status FROM df.instances WHERE id = ?", map))
                    .isEqualTo("running");
            assertThat(app.value("SELECT last_value < 100 FROM begun"))
                    .as("it did not wait behind the items that are asked for at once")
                    .isEqualTo("t");
            app.value("SELECT df.cancel(?)", map);
        }
    }
}
