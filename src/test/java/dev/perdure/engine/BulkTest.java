package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code df.find_instances}, and {@code df.cancel_many}, {@code df.signal_many} and {@code df.redrive_many}. */
class BulkTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;
    private static Submitter other;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "bulk_app");
        other = Submitter.of(database, "bulk_other");
        app.execute("CREATE TABLE flag (n int); CREATE TABLE got (n int)");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        other.close();
        worker.close();
    }

    private static String found(String filter) throws SQLException {
        return app.value("SELECT count(*) FROM df.find_instances(?::jsonb)", filter);
    }

    private static void startMany(String fut, int count, String attributes) throws SQLException {
        app.value(
                "SELECT count(*) FROM df.start_many(" + fut + ", 'SELECT n FROM generate_series(1, " + count
                        + ") AS n', jsonb_build_object('attributes', ?::jsonb))",
                attributes);
    }

    @Test
    void instances_are_found_by_what_is_said_of_them() throws SQLException {
        String id = app.value(
                "SELECT df.start('SELECT 1 / 0', 'found', options => '{\"attributes\": {\"customer\": 7, \"plan\": {\"name\": \"pro\", \"seats\": [1, 2]}}}')");
        app.await(id);

        for (String filter : List.of(
                "{\"attributes\": {\"customer\": 7}, \"label\": \"found\"}",
                "{\"attributes\": {\"plan\": {\"seats\": [2]}}, \"status\": [\"failed\", \"cancelled\"]}",
                "{\"attributes\": {\"plan\": {}}, \"status\": \"failed\", \"role\": \"bulk_app\"}",
                "{\"attributes\": {\"customer\": 7.00}, \"error\": \"DIVISION by\"}",
                "{\"ids\": [\"" + id
                        + "\", \"ffffffff\"], \"started_after\": \"2020-01-01\", \"ended_after\": \"2020-01-01\"}",
                "{\"ids\": \"" + id
                        + "\", \"ended_before\": \"2999-01-01\", \"started_before\": \"2999-01-01\", \"attributes\": {}}")) {
            assertThat(app.value("SELECT instance_id FROM df.find_instances(?::jsonb)", filter))
                    .as(filter)
                    .isEqualTo(id);
            assertThat(other.value("SELECT count(*) FROM df.find_instances(?::jsonb)", filter))
                    .as(filter)
                    .isEqualTo("0");
        }
        for (String filter : List.of(
                "{\"attributes\": {\"customer\": \"7\"}}",
                "{\"attributes\": {\"plan\": {\"seats\": [3]}}}",
                "{\"attributes\": {\"customer\": {}}}",
                "{\"ids\": \"" + id + "\", \"status\": \"completed\"}",
                "{\"ids\": []}",
                "{\"ids\": \"" + id + "\", \"error\": \"%\"}",
                "{\"label\": \"found\", \"started_before\": \"2020-01-01\"}",
                "{\"role\": \"bulk_other\"}")) {
            assertThat(found(filter)).as(filter).isEqualTo("0");
        }
        assertThat(app.rows(
                        "SELECT label, status, role, attributes ->> 'customer', started_at IS NOT NULL, ended_at IS NOT NULL, output ~ 'division', next_cursor"
                                + " FROM df.find_instances(jsonb_build_object('ids', ?))",
                        id))
                .containsExactly(java.util.Arrays.asList("found", "failed", "bulk_app", "7", "t", "t", "t", null));
        assertThat(database.value("df_worker", "SELECT role FROM df.find_instances(jsonb_build_object('ids', ?))", id))
                .isEqualTo("bulk_app");
    }

    @Test
    void instances_of_a_queue_a_schedule_and_a_definition_are_found() throws SQLException {
        app.value("SELECT df.create_queue('letters', 2)");
        String queued = app.value(
                "SELECT * FROM df.start_many('SELECT {n}', 'SELECT 7 AS n', '{\"queue\": \"letters\", \"key\": \"{n}\", \"attributes\": {\"number\": \"{n}\"}}')");
        app.value("SELECT df.create_schedule('yearly', '0 0 1 1 *', 'SELECT 1')");
        String planned = app.value("SELECT df.trigger_schedule('yearly')");
        app.value("SELECT df.define('named', 'SELECT 1')");
        String parent = app.value("SELECT df.start(df.call('named'))");
        app.await(parent);
        String child = app.value("SELECT child_id FROM df.children WHERE parent_id = ?", parent);

        assertThat(
                        app.rows(
                                "SELECT instance_id FROM df.find_instances('{\"queue\": \"letters\", \"attributes\": {\"number\": 7}}')"))
                .containsExactly(List.of(queued));
        assertThat(app.rows("SELECT instance_id FROM df.find_instances('{\"schedule\": \"yearly\"}')"))
                .containsExactly(List.of(planned));
        assertThat(app.rows("SELECT instance_id FROM df.find_instances('{\"definition\": \"named\"}')"))
                .containsExactly(List.of(child));
        for (String filter :
                List.of("{\"queue\": \"letters\"}", "{\"schedule\": \"yearly\"}", "{\"definition\": \"named\"}")) {
            assertThat(other.value("SELECT count(*) FROM df.find_instances(?::jsonb)", filter))
                    .isEqualTo("0");
        }
    }

    @Test
    void pages_follow_each_other_whatever_is_started_meanwhile() throws SQLException {
        startMany("df.wait_for_signal('go')", 25, "{\"page\": \"{n}\", \"of\": \"pages\"}");
        for (String filter : List.of(
                "{\"attributes\": {\"of\": \"pages\"}}",
                "{\"attributes\": {\"of\": \"pages\"}, \"status\": [\"pending\", \"running\"]}")) {
            List<String> seen = new ArrayList<>();
            String cursor = null;
            do {
                for (List<String> row : app.rows(
                        "SELECT instance_id, next_cursor, attributes ->> 'page' FROM df.find_instances(?::jsonb, ?, 7)",
                        filter,
                        cursor)) {
                    seen.add(row.get(0));
                    cursor = row.get(1);
                }
                app.start("df.wait_for_signal('go')");
            } while (cursor != null);
            assertThat(seen).hasSize(25).doesNotHaveDuplicates();
        }
        assertThat(found("{\"attributes\": {\"page\": 3, \"of\": \"pages\"}}")).isEqualTo("1");
        app.value("SELECT df.cancel_many('{}')");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            df.find_instances(NULL)                              | argument 0 must not be null: filter
            df.find_instances('[]')                              | filter must be a JSON object, not array
            df.find_instances('7')                               | filter must be a JSON object, not number
            df.find_instances('{"queue_": "x"}')                 | there is no filter "queue_"
            df.find_instances('{"status": "done"}')              | there is no status 'done'
            df.find_instances('{"status": null}')                | filter "status" must be a string or an array of strings, not null
            df.find_instances('{"ids": [1]}')                    | filter "ids" must be a string or an array of strings
            df.find_instances('{"label": 7}')                    | filter "label" must be a string, not 7
            df.find_instances('{"role": "nobody''s"}')           | there is no role 'nobody''s'
            df.find_instances('{"started_after": "soon"}')       | filter "started_after" must be a time: invalid input syntax
            df.find_instances('{"attributes": [1]}')             | filter "attributes" must be a JSON object
            df.find_instances('{"limit": 0}')                    | filter "limit" must be a whole number from 1 to 999999999, not 0
            df.find_instances('{"limit": 1.5}')                  | must be a whole number
            df.find_instances('{}', 'nonsense')                  | df.find_instances: invalid after_cursor
            df.find_instances('{}', NULL, 0)                     | limit_count must be between 1 and 1000, not 0
            df.find_instances('{}', NULL, 1001)                  | limit_count must be between 1 and 1000, not 1001
            df.find_instances('{}', NULL, NULL)                  | argument 2 must not be null: limit_count
            df.find_instances(jsonb_build_object('label', repeat('x', 16000000))) | filter has 16000013 bytes
            df.cancel_many(NULL)                                 | argument 0 must not be null: filter
            df.cancel_many('{}', most => 0)                      | most must be at least 1, not 0
            df.cancel_many('{}', most => NULL)                   | most must be at least 1, not null
            df.cancel_many('{"x": 1}')                           | df.cancel_many: there is no filter "x"
            df.signal_many('{}', NULL)                           | argument 1 must not be null: name
            df.signal_many('{}', '')                             | Signal name cannot be empty
            df.signal_many('{}', 'x', to_jsonb(repeat('x', 2000000))) | the data has more bytes than 1048576
            df.redrive_many('{"error": 1}')                      | df.redrive_many: filter "error" must be a string
            df.start('SELECT 1', options => '{"attributes": 7}') | option attributes of df.start() must be a JSON object, not number
            df.start('SELECT 1', options => '{"attributes": {"": 7}}') | has a name that is empty
            df.start('SELECT 1', options => jsonb_build_object('attributes', jsonb_build_object('a', repeat('x', 20000)))) | bytes, more than 16384
            df.start_many('SELECT 1', 'SELECT 1', '{"idempotency_key": "x"}') | option idempotency_key is one for df.start()
            df.start_many('SELECT 1', 'SELECT 1', '{"nope": 1}') | unknown option "nope"
            """)
    void what_makes_no_sense_is_refused(String call, String message) {
        assertThatThrownBy(() -> app.value("SELECT " + call)).hasMessageContaining(message);
    }

    @Test
    void more_than_said_are_refused_with_their_number_and_nothing_is_done() throws SQLException {
        startMany("df.wait_for_signal('go')", 12, "{\"of\": \"most\"}");
        String filter = "{\"attributes\": {\"of\": \"most\"}}";
        assertThatThrownBy(() -> app.value("SELECT df.cancel_many(?::jsonb, 'x', 11)", filter))
                .hasMessageContaining("12 instances match, more than most (11): nothing was done");
        assertThat(found("{\"attributes\": {\"of\": \"most\"}, \"status\": \"cancelled\"}"))
                .isEqualTo("0");
        assertThat(other.value("SELECT df.cancel_many(?::jsonb)", filter)).isEqualTo("(0,0)");

        // A page, by their ids.
        assertThat(app.value("SELECT df.cancel_many(?::jsonb || '{\"limit\": 5}', 'wrong', 5)", filter))
                .isEqualTo("(5,0)");
        assertThat(app.value(
                        "SELECT max(instance_id) FILTER (WHERE status = 'cancelled') < min(instance_id) FILTER (WHERE status <> 'cancelled')"
                                + " FROM df.find_instances(?::jsonb)",
                        filter))
                .isEqualTo("t");
        assertThat(app.value("SELECT df.cancel_many(?::jsonb, NULL)", filter)).isEqualTo("(7,0)");
        assertThat(app.value("SELECT df.cancel_many(?::jsonb)", filter)).isEqualTo("(0,0)");
        assertThat(app.value(
                        "SELECT string_agg(DISTINCT cancel_reason, ', ' ORDER BY cancel_reason) FROM df.instances"
                                + " WHERE id IN (SELECT instance_id FROM df.find_instances(?::jsonb))",
                        filter))
                .isEqualTo("Cancelled by user, wrong");
    }

    @Test
    void what_somebody_else_has_locked_is_skipped_and_counted() throws SQLException {
        startMany("df.wait_for_signal('go')", 3, "{\"of\": \"locks\"}");
        String filter = "{\"attributes\": {\"of\": \"locks\"}}";
        Submitter holder = Submitter.of(database, "bulk_app");
        holder.execute("BEGIN");
        holder.value("SELECT df.cancel((SELECT min(instance_id) FROM df.find_instances(?::jsonb)))", filter);
        assertThat(app.value("SELECT df.cancel_many(?::jsonb)", filter)).isEqualTo("(2,1)");
        holder.execute("ROLLBACK");
        holder.close();
        assertThat(app.value("SELECT df.cancel_many(?::jsonb)", filter)).isEqualTo("(1,0)");
    }

    @Test
    void many_are_signalled_and_let_go_on() throws SQLException {
        startMany(
                "df.wait_for_signal('go') |=> 's' ~> 'INSERT INTO got SELECT $s.data::int FROM flag WHERE 1 / n = 1 RETURNING 1 / 1'",
                6,
                "{\"of\": \"many\"}");
        String filter = "{\"attributes\": {\"of\": \"many\"}}";
        app.execute("INSERT INTO flag VALUES (0)");
        assertThat(app.value("SELECT df.signal_many(?::jsonb, 'go', '7')", filter))
                .isEqualTo("(6,0)");
        app.awaitValue(
                "6",
                "SELECT count(*) FROM df.find_instances(?::jsonb || '{\"status\": \"failed\", \"error\": \"division\"}')",
                filter);
        assertThat(app.value("SELECT df.signal_many(?::jsonb, 'go')", filter)).isEqualTo("(0,0)");

        app.execute("UPDATE flag SET n = 1");
        Submitter holder = Submitter.of(database, "bulk_app");
        holder.execute("BEGIN");
        holder.value("SELECT df.redrive((SELECT max(instance_id) FROM df.find_instances(?::jsonb)))", filter);
        assertThat(app.value("SELECT df.redrive_many(?::jsonb)", filter)).isEqualTo("(5,1)");
        holder.execute("COMMIT");
        holder.close();
        app.awaitValue(
                "6", "SELECT count(*) FROM df.find_instances(?::jsonb || '{\"status\": \"completed\"}')", filter);
        assertThat(app.value("SELECT count(*) FROM got WHERE n = 7")).isEqualTo("6");
        assertThat(app.value("SELECT df.redrive_many(?::jsonb)", filter)).isEqualTo("(0,0)");
    }

    @Test
    void each_row_calls_a_definition_with_its_own_arguments() throws SQLException {
        app.value(
                "SELECT df.define('squared', df.sql('SELECT $1::int * $1::int AS n', '{n}'), '{\"n\": {\"type\": \"int\", \"required\": true}}')");
        List<List<String>> started = app.rows(
                "SELECT * FROM df.start_many(df.call('squared', '{\"n\": \"{n}\"}'),"
                        + " 'SELECT n FROM generate_series(1, 5) AS n', '{\"attributes\": {\"of\": \"squares\", \"n\": \"{n}\"}}')");

        for (List<String> row : started) {
            assertThat(app.await(row.get(0)).status()).isEqualTo("completed");
        }
        assertThat(app.value(
                        "SELECT string_agg(df.result(f.instance_id)::jsonb #>> '{rows,0,n}', ',' ORDER BY f.attributes ->> 'n')"
                                + " FROM df.find_instances('{\"attributes\": {\"of\": \"squares\"}}') AS f"))
                .isEqualTo("1,4,9,16,25");
        assertThat(app.value("SELECT count(*) FROM df.children WHERE name = 'squared'"))
                .isEqualTo("5");

        String odd =
                app.value("SELECT * FROM df.start_many(df.call('squared', '{\"n\": \"{n}\"}'), 'SELECT ''x'' AS n')");
        assertThat(app.await(odd).output()).contains("parameter \"n\" is no int");
    }

    @Test
    void two_bulks_in_pages_and_a_worker_do_not_meet_in_a_deadlock() throws SQLException {
        int count = Integer.getInteger("perdure.test.bulk", 1000);
        startMany("'SELECT pg_sleep(0.001)' ~> df.wait_for_signal('go')", count, "{\"of\": \"pages at once\"}");
        List<CompletableFuture<Integer>> bulks = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Submitter caller = Submitter.of(database, "bulk_app");
            String filter =
                    "{\"attributes\": {\"of\": \"pages at once\"}, \"limit\": " + Math.min(1000, count / 10) + "}";
            bulks.add(CompletableFuture.supplyAsync(() -> cancelInPages(caller, filter)));
        }
        assertThat(bulks.stream().mapToInt(CompletableFuture::join).sum()).isEqualTo(count);
        assertThat(app.run("'SELECT 1'").status()).as("served beside it").isEqualTo("completed");
        // What is cancelled is wound up by the worker.
        for (int left = count; left > 0; ) {
            left = Integer.parseInt(
                    app.value("SELECT count(*) FROM df.instances WHERE status = 'cancelled' AND output IS NULL"));
        }
        assertThat(app.value("SELECT count(*) FROM df.instances i JOIN df._attributes a ON a.instance_id = i.id"
                        + " WHERE a.attributes @> '{\"of\": \"pages at once\"}' AND i.status = 'cancelled'"))
                .isEqualTo(String.valueOf(count));
    }

    private static int cancelInPages(Submitter caller, String filter) {
        int sum = 0;
        try {
            List<String> page;
            do {
                page = caller.rows("SELECT done, skipped FROM df.cancel_many(?::jsonb, 'in pages')", filter)
                        .get(0);
                sum += Integer.parseInt(page.get(0));
            } while (!page.equals(List.of("0", "0")));
            caller.close();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return sum;
    }
}
