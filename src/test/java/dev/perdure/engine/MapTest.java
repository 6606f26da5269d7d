package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** df.map with a real worker. */
@SuppressWarnings("try")
class MapTest {

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "map_app");
        app.execute("CREATE TABLE chunk (id int PRIMARY KEY, words text, len int);"
                + " INSERT INTO chunk SELECT i, repeat('x', i), NULL FROM generate_series(1, 20) AS i");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    @Test
    void each_row_is_worked_on_once_and_the_numbers_are_the_result() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.map('SELECT id, words FROM chunk ORDER BY id',"
                    + " 'UPDATE chunk SET len = coalesce(len, 0) + length($item.words) WHERE id = $item.id') |=> 'done'"
                    + " ~> 'SELECT $done.total, $done.completed, $done.failed, $done.cancelled'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM chunk WHERE len = id")).isEqualTo("20");
            assertThat(app.value(
                            "SELECT result->'rows'->0 FROM df.nodes WHERE instance_id = ? AND node_type = 'MAP'",
                            ended.id()))
                    .isEqualTo("{\"total\": 20, \"failed\": 0, \"cancelled\": 0, \"completed\": 20}");
            assertThat(app.value(
                            "SELECT string_agg(DISTINCT status, ',') || count(*) FROM df.map_items WHERE instance_id = ?",
                            ended.id()))
                    .isEqualTo("completed20");
            assertThat(app.value("SELECT item FROM df.map_items WHERE instance_id = ? AND ordinal = 2", ended.id()))
                    .isEqualTo("{\"id\": 2, \"words\": \"xx\"}");
            assertThat(app.value("SELECT df.explain(?)", ended.id()))
                    .contains("MAP (20 of 20, max 10 at once) |=> 'done' ✓")
                    .as("what is done for each item has no status of its own")
                    .doesNotContain("⊘");
        }
    }

    @Test
    void the_first_failure_is_the_nodes_and_the_rest_is_cancelled() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.map('SELECT id FROM chunk ORDER BY id',"
                    + " 'UPDATE chunk SET len = 10 / ($item.id - 5) WHERE id = $item.id', max_concurrent => 1)");

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("Item 5 of df.map failed: ", "division by zero");
            assertThat(app.value(
                            "SELECT status_details->>'code' FROM df.nodes WHERE instance_id = ? AND node_type = 'MAP'",
                            ended.id()))
                    .isEqualTo("22012");
            assertThat(app.value(
                            "SELECT string_agg(status || n, ' ' ORDER BY status) FROM (SELECT status, count(*) AS n"
                                    + " FROM df.map_items WHERE instance_id = ? GROUP BY 1) AS s",
                            ended.id()))
                    .isEqualTo("cancelled15 completed4 failed1");
            assertThat(app.value("SELECT count(*) FROM chunk WHERE len IS NOT NULL"))
                    .isEqualTo("4");
        }
    }

    @Test
    void failures_go_by_and_are_rows_for_later_steps() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(
                    "df.map('SELECT id FROM chunk ORDER BY id', 'SELECT 1 / ($item.id % 5)', on_failure => 'continue') |=> 'done'"
                            + " ~> 'SELECT string_agg(ordinal::text, '','' ORDER BY ordinal) AS bad FROM $done.items WHERE status = ''failed'''");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(ended.output()).contains("5,10,15,20");
            assertThat(app.value(
                            "SELECT result->'rows'->0->>'failed' FROM df.nodes WHERE instance_id = ? AND node_type = 'MAP'",
                            ended.id()))
                    .isEqualTo("4");
        }
    }

    @Test
    void as_many_failures_as_are_tolerated_do_not_fail_the_map() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String body = ", 'SELECT 1 / ($item.id % 5)', on_failure => 'tolerate', tolerate => ";

            assertThat(app.run("df.map('SELECT id FROM chunk'" + body + "'20%')")
                            .status())
                    .isEqualTo("completed");
            assertThat(app.run("df.map('SELECT id FROM chunk'" + body + "'4')").status())
                    .isEqualTo("completed");
            var ended = app.run("df.map('SELECT id FROM chunk'" + body + "'3')");
            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("the last of 4 that failed");
        }
    }

    @Test
    void an_empty_set_is_complete_at_once() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(
                    "df.map('SELECT id FROM chunk WHERE false', 'SELECT 1 / 0') |=> 'd' ~> 'SELECT $d.total AS n'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(ended.output()).contains("\"n\":0");
        }
    }

    @Test
    void batches_see_several_rows() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.map('SELECT id FROM chunk ORDER BY id',"
                    + " 'UPDATE chunk SET len = {sys_ordinal} WHERE id = ANY($item)', batch_size => 8, item => 'row')"
                            .replace("$item", "$row"));

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT string_agg(DISTINCT len::text, ',' ORDER BY len::text) FROM chunk"))
                    .isEqualTo("1,17,9");
            assertThat(app.value("SELECT count(*) FROM df.map_items WHERE status = 'completed'"))
                    .isEqualTo("20");
        }
    }

    @Test
    void a_body_of_several_steps_sees_the_names_around_the_map_and_its_own() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("'SELECT 100 AS n' |=> 'base' ~> df.map('SELECT id FROM chunk',"
                    + " df.sql('SELECT $item.id + $base.n AS v') |=> 'x' ~> df.sleep(0) ~>"
                    + " df.catch('SELECT 1 / 0', 'UPDATE chunk SET len = $x.v WHERE id = $item.id'))");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM chunk WHERE len = id + 100"))
                    .isEqualTo("20");
            assertThat(database.value(
                            PostgresServer.OWNER,
                            "SELECT count(*) FROM df._checkpoints WHERE strpos(instance_id, '.') > 0"))
                    .as("what is known of the steps of an item goes when it ends")
                    .isEqualTo("0");
        }
    }

    @Test
    void items_can_be_an_earlier_result_or_what_a_sub_graph_brings() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(
                    "'SELECT id FROM chunk WHERE id <= 3 ORDER BY id' |=> 'few'"
                            + " ~> df.map('$few', 'UPDATE chunk SET len = 1 WHERE id = $item')"
                            + " ~> df.map('SELECT 1' ~> 'SELECT id FROM chunk WHERE id BETWEEN 4 AND 5', 'UPDATE chunk SET len = 2 WHERE id = $item')");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value(
                            "SELECT string_agg(id || ':' || len, ' ' ORDER BY id) FROM chunk WHERE len IS NOT NULL"))
                    .isEqualTo("1:1 2:1 3:1 4:2 5:2");
        }
    }

    @Test
    void a_map_in_a_map_works_on_each_pair_once() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            app.execute("CREATE TABLE pair (a int, b int)");
            var ended = app.run("df.map('SELECT g AS a FROM generate_series(1, 3) AS g',"
                    + " df.map('SELECT g AS b FROM generate_series(1, $outer.a) AS g',"
                    + " 'INSERT INTO pair VALUES ($outer.a, $inner.b)', item => 'inner'), item => 'outer')");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT string_agg(a || '-' || b, ' ' ORDER BY a, b) FROM pair"))
                    .isEqualTo("1-1 2-1 2-2 3-1 3-2 3-3");
        }
    }

    @Test
    void a_cancelled_instance_stops_its_items_and_what_was_in_flight_is_rolled_back() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start(
                    "df.map('SELECT id FROM chunk', 'UPDATE chunk SET len = 1 WHERE id = $item.id' ~> 'SELECT pg_sleep(600)', max_concurrent => 3)");
            await().until(() ->
                    app.value("SELECT count(*) FROM chunk WHERE len = 1").equals("3"));

            app.value("SELECT df.cancel(?)", id);

            await().until(() -> app.value("SELECT output FROM df.instances WHERE id = ?", id) != null);
            assertThat(app.value("SELECT string_agg(DISTINCT status, ',') FROM df.map_items WHERE instance_id = ?", id))
                    .isEqualTo("cancelled");
        }
    }

    @Test
    void a_take_over_goes_on_with_what_has_not_ended() throws Exception {
        app.execute("CREATE TABLE gate (open boolean); INSERT INTO gate VALUES (false); CREATE TABLE done (id int)");
        String id;
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            id = app.start("df.map('SELECT id FROM chunk ORDER BY id', 'INSERT INTO done VALUES ($item.id)' ~>"
                    + " df.loop(df.if('SELECT open OR $item.id <= 5 FROM gate', df.break(), 'SELECT 1'))"
                    + " ~> 'UPDATE chunk SET len = coalesce(len, 0) + 1 WHERE id = $item.id', max_concurrent => 4)");
            await().until(() ->
                    app.value("SELECT count(*) FROM chunk WHERE len = 1").equals("5"));
        }
        // That a step was shown as running, for which it had lasted long enough, says nothing once it has ended.
        database.execute(
                PostgresServer.OWNER,
                "INSERT INTO df._running (instance_id, node_id, execution_id, attempt)"
                        + " SELECT c.instance_id, n.key, n.value ->> 'execution_id', 1"
                        + " FROM df._checkpoints c CROSS JOIN LATERAL jsonb_each(c.state -> 'nodes') AS n"
                        + " WHERE strpos(c.instance_id, '.') > 0 AND n.value ->> 'status' = 'completed' ON CONFLICT DO NOTHING");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            app.execute("UPDATE gate SET open = true");
            var ended = app.await(id);

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM chunk WHERE len = 1")).isEqualTo("20");
            assertThat(app.value("SELECT count(*) || '/' || count(DISTINCT id) FROM done"))
                    .isEqualTo("20/20");
        }
    }

    @Test
    void an_instance_whose_map_goes_on_is_running() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("df.map('SELECT id FROM chunk', df.wait_for_signal('go'), max_concurrent => 2)");

            app.awaitValue("running", "SELECT df.status(?)", id);
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'MAP'", id);
            app.value("SELECT df.cancel(?)", id);
        }
    }

    @Test
    void how_many_at_once_can_be_changed_while_it_runs() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start(
                    "df.map('SELECT id FROM chunk', 'UPDATE chunk SET len = 1 WHERE id = $item.id' ~> df.wait_for_signal('go'), max_concurrent => 2)");
            await().until(() ->
                    app.value("SELECT count(*) FROM chunk WHERE len = 1").equals("2"));

            assertThat(app.value(
                            "SELECT df.set_map(?, (SELECT id FROM df.nodes WHERE node_type = 'MAP' AND instance_id = ?), 7)",
                            id,
                            id))
                    .isEqualTo("t");

            await().until(() ->
                    app.value("SELECT count(*) FROM chunk WHERE len = 1").equals("7"));
            app.value("SELECT df.signal(?, 'go', '{}')", id);
            await().until(() -> app.value("SELECT count(*) FROM df.map_items WHERE status = 'completed'")
                    .equals("1"));
            app.value("SELECT df.cancel(?)", id);
        }
    }

    @Test
    void how_far_it_is_is_told_while_it_runs() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start(
                    "df.map('SELECT id FROM chunk', df.if('SELECT $item.id <= 5', 'SELECT 1 / ($item.id - 2)',"
                            + " df.wait_for_signal('go')), max_concurrent => 20, on_failure => 'continue')");
            app.awaitValue("5 of 20, 1 failed", "SELECT output FROM df.instance_info(?)", id);

            await().until(() -> worker.statistics().openItems() == 15);
            assertThat(worker.statistics().openMaps()).isOne();
            assertThat(worker.statistics().itemsEnded(true)).isEqualTo(4);
            assertThat(worker.statistics().itemsEnded(false)).isEqualTo(1);

            app.value("SELECT df.cancel(?)", id);
            app.await(id);
            await().until(() -> worker.statistics().openMaps() == 0);
            assertThat(worker.statistics().openItems()).isZero();
            String other = app.start("df.wait_for_signal('go')");
            assertThat(app.value("SELECT output FROM df.instance_info(?)", other))
                    .isNull();
            app.value("SELECT df.cancel(?)", other);
        }
    }

    @Test
    void several_maps_are_told_by_their_names() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("(df.map('SELECT id FROM chunk', 'SELECT 1') |=> 'all')"
                    + " ~> (df.map('SELECT id FROM chunk WHERE id < 4', df.wait_for_signal('go')) |=> 'few')");

            await().until(() -> String.valueOf(app.value("SELECT output FROM df.instance_info(?)", id))
                    .matches("all: 20 of 20; few: 0 of 3|few: 0 of 3; all: 20 of 20"));
            app.value("SELECT df.cancel(?)", id);
        }
    }

    @Test
    void a_redrive_runs_only_what_has_failed_or_not_ended() throws SQLException {
        app.execute("CREATE TABLE repair (divisor int); INSERT INTO repair VALUES (0); CREATE TABLE done (id int)");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var failed =
                    app.run("'SELECT 1' ~> df.map('SELECT id FROM chunk ORDER BY id', 'INSERT INTO done SELECT $item.id"
                            + " / (CASE WHEN $item.id = 5 THEN divisor ELSE 1 END) FROM repair', max_concurrent => 1) |=> 'd'"
                            + " ~> 'SELECT $d.completed AS n'");
            assertThat(failed.status()).isEqualTo("failed");
            assertThat(app.value("SELECT count(*) FROM done")).isEqualTo("4");

            app.execute("UPDATE repair SET divisor = 1");
            app.value("SELECT df.redrive(?)", failed.id());
            var ended = app.await(failed.id());

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(ended.output()).contains("\"n\":20");
            assertThat(app.value("SELECT count(*) || '/' || count(DISTINCT id) FROM done"))
                    .isEqualTo("20/20");
        }
    }

    @Test
    void a_map_that_had_failed_too_often_when_its_worker_died_fails_with_the_failure_and_its_code()
            throws SQLException {
        app.execute("CREATE TABLE begun (id int)");
        String id;
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            id = app.start("df.catch(df.map('SELECT id FROM chunk ORDER BY id', 'INSERT INTO begun VALUES ($item.id)'"
                    + " ~> 'SELECT pg_sleep(600)', max_concurrent => 3), 'SELECT $error.code || '': '' || $error.message AS why',"
                    + " codes => ARRAY['22012'])");
            await().until(() -> app.value("SELECT count(*) FROM begun").equals("3"));
        }
        // As it is between the commit of an item that fails and that of the map, which fails with it.
        database.execute(
                PostgresServer.OWNER,
                "UPDATE df._map_items SET status = 'failed', error = 'division by zero', code = '22012', completed_at = now()"
                        + " WHERE ordinal = 2");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.await(id);

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(ended.output()).contains("22012: Item 2 of df.map failed: division by zero");
        }
    }

    @Test
    void requests_of_items_have_keys_of_their_own_and_are_repeated_item_by_item() throws SQLException {
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('map_app', include_http => true)");
        try (HttpService service = new HttpService()) {
            Set<String> failed = ConcurrentHashMap.newKeySet();
            service.on("/embed", (exchange, request) -> {
                boolean fails = request.body().contains("7") && failed.add(request.body());
                HttpService.respond(exchange, fails ? 503 : 200, "application/json", request.body());
            });
            Map<String, String> settings =
                    Map.of("perdure.http.allow", "localhost:" + service.port(), "perdure.http.egress", "listed");
            try (InProcessWorker worker = InProcessWorker.start(database, settings)) {
                var ended = app.run("df.map('SELECT id FROM chunk', (df.retry(df.http('" + service.url("/embed")
                        + "', 'POST', '{\"id\": $item.id}'), 3, '0.05 s') |=> 'reply')"
                        + " ~> 'UPDATE chunk SET len = (($reply.body)::jsonb->>''id'')::int WHERE id = $item.id')");

                assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            }
            assertThat(app.value("SELECT count(*) FROM chunk WHERE len = id")).isEqualTo("20");
            assertThat(service.received("/embed"))
                    .as("20, and once more 7 and 17")
                    .hasSize(22);
            assertThat(service.received("/embed").stream()
                            .map(request -> request.header("idempotency-key"))
                            .distinct())
                    .doesNotContainNull()
                    .hasSize(20);
        }
    }

    @Test
    void what_another_role_has_is_not_seen() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter other = Submitter.of(database, "map_other")) {
            var ended = app.run("df.map('SELECT id FROM chunk', 'SELECT 1')");

            assertThat(app.value("SELECT count(*) FROM df.map_items WHERE instance_id = ?", ended.id()))
                    .isEqualTo("20");
            assertThat(other.value("SELECT count(*) FROM df.map_items")).isEqualTo("0");
        }
    }

    @Test
    void a_statement_that_changes_rows_brings_items_too() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(
                    "df.map('UPDATE chunk SET len = 0 WHERE id <= 3 RETURNING id', 'UPDATE chunk SET len = len + 1 WHERE id = $item')");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM chunk WHERE len = 1")).isEqualTo("3");
        }
    }
}
