package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code df.publish}, {@code df.event}, {@code df.events} and {@code df.wait_for_event}. */
class EventsTest {

    private static final String WAITING =
            "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND node_type = 'WAIT_EVENT' AND status = 'running'";
    private static final String SAID = "SELECT string_agg(name || '=' || value, ' ' ORDER BY id) FROM df.events(?)";

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;
    private static Submitter other;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "event_app");
        other = Submitter.of(database, "event_other");
        app.execute("CREATE TABLE ledger (step text);"
                + " CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ledger VALUES ('c'); COMMIT; PERFORM df.publish('p', '1'); END $$;"
                + " CREATE FUNCTION half() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM df.publish('kept', '1');"
                + " BEGIN PERFORM df.publish('undone', '2'); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END;"
                + " PERFORM df.publish('kept', '3'); RETURN 'ok'; END $$");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        other.close();
        worker.close();
    }

    private static String publisher(String name, String value) {
        return "'SELECT df.publish(''" + name + "'', ''" + value + "'')'";
    }

    @Test
    void what_a_step_publishes_is_seen_outside_when_it_has_committed() throws SQLException {
        String id = app.start(publisher("progress", "{\"done\": 1}") + " ~> " + publisher("progress", "{\"done\": 2}")
                + " ~> " + Submitter.GATE + " ~> " + publisher("end", "null"));

        app.awaitValue("{\"done\": 2}", "SELECT df.event(?, 'progress')", id);
        assertThat(app.value("SELECT df.event(?, 'end')", id)).isNull();
        app.open(id);
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value("SELECT df.event(?, 'end')", id)).isEqualTo("null");
        assertThat(app.value(SAID, id)).isEqualTo("progress={\"done\": 1} progress={\"done\": 2} end=null");
    }

    @Test
    void a_step_that_is_rolled_back_has_published_nothing() throws SQLException {
        var failed = app.run(publisher("a", "1") + " ~> 'SELECT df.publish(''b'', ''2''), 1 / 0'");
        assertThat(failed.status()).isEqualTo("failed");
        assertThat(app.value(SAID, failed.id())).isEqualTo("a=1");

        assertThat(app.value(SAID, app.run("'SELECT half()'").id())).isEqualTo("kept=1 kept=3");
    }

    @Test
    void a_step_publishes_for_its_own_instance_whatever_it_puts_into_settings() throws SQLException {
        String victim = app.start(Submitter.GATE);
        var own = app.run("$$SELECT set_config('df.told', '{\"event\": \"x\", \"value\": 1, \"instance_id\": \""
                + victim + "\"}', true), set_config('df.instance_id', '" + victim + "', true), df.publish('y', '2')$$");

        assertThat(own.status()).isEqualTo("completed");
        assertThat(app.value(SAID, own.id())).isEqualTo("x=1 y=2");
        assertThat(app.value(SAID, victim)).isNull();
        app.open(victim);
        app.await(victim);
        for (String text :
                new String[] {"nonsense", "{\"event\": \"\", \"value\": 1}", "{\"event\": 7, \"value\": 1}", "[1]", "{}"
                }) {
            var broken = app.run("$$SELECT set_config('df.told', '" + text + "', true)$$");
            assertThat(broken.status()).as(text).isEqualTo("failed");
            assertThat(broken.output()).containsAnyOf("df.told cannot be read", "Event name cannot be empty");
        }
    }

    @Test
    void no_right_on_the_tables_lets_anybody_publish() {
        for (String write : new String[] {
            "INSERT INTO df._events (instance_id, name, value, bytes) VALUES ('00000000', 'x', '1', 1)",
            "DELETE FROM df._events",
            "INSERT INTO df._event_waits (instance_id, subject, node_id, publisher_id, name) VALUES ('0', '0', '0', '0', '0')",
            "UPDATE df._attributes SET attributes = '{}'",
            "INSERT INTO df._attribute_entries (instance_id, submitted_by, entry, created_at) VALUES ('0', 'event_app', 'x', now())",
            "SELECT df._tell('00000000', 'x')",
            "SELECT count(*) FROM df._event_waits"
        }) {
            assertThatThrownBy(() -> app.execute(write)).as(write).hasMessageContaining("permission denied");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            df.publish('x', '1')                            | df.publish() can only be called inside a workflow
            df.publish(NULL, '1')                           | argument 0 must not be null: name
            df.publish('', '1')                             | Event name cannot be empty
            df.publish(repeat('ä', 513), '1')               | Event name has 1026 bytes, more than 1024
            df.publish('x', to_jsonb(repeat('y', 16000000))) | The value of event 'x' has 16000002 bytes, more than 1048576
            df.set_attributes('{}')                         | df.set_attributes() can only be called inside a workflow
            df.set_attributes(NULL)                         | argument 0 must not be null: attributes
            df.set_attributes('[1]')                        | attributes of df.set_attributes() must be a JSON object, not array
            df.event(NULL, 'x')                             | argument 0 must not be null: instance_id
            df.event('00000000', NULL)                      | argument 1 must not be null: name
            df.event('00000000', 'x', NULL)                 | argument 2 must not be null: timeout
            df.event('00000000', 'x', -1)                   | Timeout must not be negative
            df.event('00000000', 'x')                       | Instance not found or access denied: 00000000
            df.events(NULL)                                 | argument 0 must not be null: instance_id
            df.wait_for_event(NULL, 'x')                    | argument 0 must not be null: instance_id
            df.wait_for_event('a', NULL)                    | argument 1 must not be null: name
            df.wait_for_event('a', '')                      | Event name cannot be empty
            df.wait_for_event(' ', 'x')                     | Instance ID cannot be empty
            df.wait_for_event('a', 'x', 0)                  | Timeout must be positive
            df.wait_for_event('a', 'x', '99 years')         | the interval must be at most 68 years
            df.wait_for_event(repeat('a', 2000), 'x')       | Instance ID has 2000 bytes
            df.start(df.wait_for_event('$nope', 'x'))       | no step of this workflow binds the name of $nope
            df.start('{"node_type":"WAIT_EVENT","query":"{}"}') | WAIT_EVENT has no instance_id
            df.start('{"node_type":"WAIT_EVENT","query":"{\\"instance_id\\":\\"a\\",\\"event_name\\":\\"x\\",\\"timeout_seconds\\":\\"1\\"}"}') | timeout_seconds of WAIT_EVENT is not a positive integer
            """)
    void what_makes_no_sense_is_refused(String call, String message) {
        assertThatThrownBy(() -> app.value("SELECT " + call)).hasMessageContaining(message);
    }

    @Test
    void odd_names_and_values_come_back_as_they_were() throws SQLException {
        String name = "it''s \\ \"$x\" {y} ü 日本\u0001\n";
        var ended = app.run("$q$SELECT df.publish('" + name
                + "', '{\"a\": \"\\n\\u0001\"}'), df.publish('n', NULL)$q$ ~> df.wait_for_event('{sys_instance_id}', '"
                + name
                + "', '5 s')");
        assertThat(ended.status()).isEqualTo("completed");
        assertThat(app.value("SELECT df.event(?, '" + name + "')", ended.id())).isEqualTo("{\"a\": \"\\n\\u0001\"}");
        assertThat(app.value("SELECT df.event(?, 'n')", ended.id())).isEqualTo("null");
        assertThat(app.result(ended.id()).at("/data/a").asText()).isEqualTo("\n\u0001");
        assertThat(app.result(ended.id()).at("/timed_out").asBoolean()).isFalse();
    }

    @Test
    void a_node_has_what_was_published_before_it_began_and_what_is_published_later() throws SQLException {
        String publisher = app.start(publisher("ready", "1") + " ~> " + publisher("ready", "{\"n\": 2}") + " ~> "
                + Submitter.GATE + " ~> " + publisher("later", "\"x\""));
        app.awaitValue("{\"n\": 2}", "SELECT df.event(?, 'ready')", publisher);

        String late = app.start(
                "$$SELECT '" + publisher
                        + "' AS id$$ |=> 'p' ~> (df.wait_for_event('$p.id', 'later') |=> 'e') ~> 'SELECT $e.data AS v, $e.event_name AS n'");
        var past = app.run("df.wait_for_event('" + publisher
                + "', 'ready') |=> 'e' ~> 'SELECT ($e.data::jsonb ->> ''n'')::int AS n'");
        assertThat(app.result(past.id()).at("/rows/0/n").asInt()).isEqualTo(2);
        app.awaitValue("1", WAITING, late);
        app.open(publisher);
        assertThat(app.await(late).status()).isEqualTo("completed");
        assertThat(app.result(late).at("/rows/0/v").asText()).isEqualTo("x");
        assertThat(app.value("SELECT count(*) FROM df._events WHERE name = 'later'"))
                .isEqualTo("1");
    }

    @Test
    void a_sleeping_wait_is_woken_by_whoever_leads_then() throws SQLException {
        String publisher = app.start(Submitter.GATE + " ~> " + publisher("go on", "7"));
        String before = app.start("df.wait_for_event('" + publisher + "', 'go on', '1 hour')");
        app.awaitValue("1", WAITING, before);
        worker.loseMemory();
        String after = app.start("df.map('SELECT generate_series(1, 3) AS n', df.wait_for_event('" + publisher
                + "', 'go on') |=> 'e' ~> 'INSERT INTO ledger VALUES (''item'' || $e.data)')");
        app.open(publisher);

        assertThat(app.await(before).status()).isEqualTo("completed");
        assertThat(app.await(after).status()).isEqualTo("completed");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'item7'"))
                .isEqualTo("3");
        assertThat(database.value(
                        "df_worker", "SELECT count(*) FROM df._event_waits WHERE publisher_id = ?", publisher))
                .isEqualTo("0");
    }

    @Test
    void what_is_published_while_nobody_leads_is_found_at_take_over() throws SQLException {
        String publisher = app.start(Submitter.GATE + " ~> df.sql('SELECT 1')");
        String waiting = app.start("df.wait_for_event('" + publisher + "', 'found', 3600)");
        app.awaitValue("1", WAITING, waiting);
        worker.loseMemory();
        // As a checkpoint of a leader that is gone has left it.
        database.execute("df_worker", "SELECT df._tell('" + publisher + "', '{\"event\": \"found\", \"value\": 1}')");
        worker.loseMemory();
        assertThat(app.await(waiting).status()).isEqualTo("completed");
        app.value("SELECT df.cancel(?)", publisher);
    }

    @Test
    void a_wait_times_out_and_an_instance_of_somebody_else_is_none() throws SQLException {
        String publisher = app.start(Submitter.GATE);
        var out = app.run("df.wait_for_event('" + publisher + "', 'never', 1)");
        assertThat(app.result(out.id()).toString())
                .isEqualTo("{\"data\":null,\"timed_out\":true,\"event_name\":\"never\"}");

        var hidden = other.run("df.wait_for_event('" + publisher + "', 'never', 60)");
        assertThat(hidden.status()).isEqualTo("failed");
        assertThat(hidden.output()).contains("Instance not found or access denied: " + publisher);
        assertThatThrownBy(() -> other.value("SELECT df.event(?, 'never')", publisher))
                .hasMessageContaining("Instance not found or access denied");
        assertThat(other.value("SELECT count(*) FROM df.events(?)", out.id())).isEqualTo("0");
        assertThat(other.run("df.wait_for_event('no such id', 'x')").output()).contains("no such id");
        app.value("SELECT df.cancel(?)", publisher);
    }

    @Test
    void a_caller_waits_for_an_event_until_it_is_there_or_the_instance_has_ended() throws Exception {
        String id = app.start(Submitter.GATE + " ~> " + publisher("result", "42"));
        assertThat(app.value("SELECT df.event(?, 'result')", id)).isNull();
        Submitter caller = Submitter.of(database, "event_app");
        CompletableFuture<String> seen = CompletableFuture.supplyAsync(() -> {
            try {
                return caller.value("SELECT df.event(?, 'result', 60)", id);
            } catch (SQLException e) {
                return e.getMessage();
            }
        });
        app.open(id);
        assertThat(seen.join()).isEqualTo("42");
        caller.close();
        app.await(id);
        assertThat(app.value("SELECT df.event(?, 'other', 60)", id)).isNull();
    }

    @Test
    void it_cannot_be_waited_for_where_nothing_new_is_seen() throws SQLException {
        String id = app.start(Submitter.GATE);
        Submitter caller = Submitter.of(database, "event_app");
        caller.execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
        assertThat(caller.value("SELECT df.event(?, 'x')", id)).isNull();
        assertThatThrownBy(() -> caller.value("SELECT df.event(?, 'x', 5)", id))
                .hasMessageContaining("isolation level is repeatable read: it does not see what others commit");
        caller.execute("ROLLBACK; BEGIN");
        String own = caller.value("SELECT df.start('SELECT 1')");
        assertThatThrownBy(() -> caller.value("SELECT df.event(?, 'x', 5)", own))
                .hasMessageContaining("was started in this transaction");
        caller.execute("ROLLBACK");
        caller.close();
        app.value("SELECT df.cancel(?)", id);
        assertThat(app.run("'SELECT df.event(''" + id + "'', ''x'', 5)'").output())
                .contains("would block a worker");
    }

    @Test
    void of_each_name_the_last_thousand_are_kept_and_they_go_with_the_instance() throws SQLException {
        var ended = app.run(
                "'SELECT count(df.publish(''n'', to_jsonb(n))) FROM generate_series(1, 900) AS n'"
                        + " ~> 'SELECT count(df.publish(''n'', to_jsonb(n))), df.publish(''m'', ''1'') FROM generate_series(901, 1500) AS n'");
        assertThat(app.value(
                        "SELECT concat_ws(' ', count(*), min(value::text::int), max(value::text::int)) FROM df.events(?) WHERE name = 'n'",
                        ended.id()))
                .isEqualTo("1000 501 1500");
        assertThat(app.value("SELECT df.event(?, 'm')", ended.id())).isEqualTo("1");
        database.execute("df_worker", "DELETE FROM df.instances WHERE id = '" + ended.id() + "'");
        assertThat(app.value("SELECT count(*) FROM df._events WHERE instance_id = ?", ended.id()))
                .isEqualTo("0");
        assertThat(app.run(
                                "'SELECT count(df.publish(''n'', to_jsonb(repeat(''x'', 1000000)))) FROM generate_series(1, 9)'")
                        .output())
                .contains("is more than 8388608 bytes");
    }

    @Test
    void where_there_is_no_transaction_to_be_a_part_of_it_is_refused() throws SQLException {
        assertThat(app.run("'CALL commits()'").output())
                .contains("df.publish() cannot be called by a step that runs outside of a transaction");
        assertThat(app.run("df.wait_for_condition('SELECT df.publish(''x'', ''1'') = ''OK''')")
                        .output())
                .contains("in a read-only transaction");
    }

    @Test
    void a_step_of_another_isolation_publishes_too_and_items_of_a_map() throws SQLException {
        Submitter strict = Submitter.of(database, "event_strict");
        database.asSuperuser("ALTER ROLE event_strict SET default_transaction_isolation = 'serializable'");
        assertThat(strict.value(
                        SAID,
                        strict.run(publisher("a", "1") + " ~> " + publisher("a", "2")
                                        + " ~> df.wait_for_event('{sys_instance_id}', 'a')")
                                .id()))
                .isEqualTo("a=1 a=2");
        strict.close();
        var map = app.run(
                "df.map('SELECT generate_series(1, 20) AS n', 'SELECT df.publish(''item'', to_jsonb($item.n))')");
        assertThat(app.value("SELECT sum(value::text::int) FROM df.events(?)", map.id()))
                .isEqualTo("210");
        var items = app.run(
                "df.map('SELECT n, df.publish(''frozen'', to_jsonb(n)) FROM generate_series(1, 3) AS n', 'SELECT 1')");
        assertThat(app.value(SAID, items.id())).isEqualTo("frozen=1 frozen=2 frozen=3");
    }

    @Test
    void attributes_are_set_and_taken_away_with_the_step() throws SQLException {
        String id = app.value(
                "SELECT df.start($$SELECT df.set_attributes('{\"b\": 2, \"a\": null}'), df.set_attributes('{\"c\": [1]}')$$"
                        + " ~> $$SELECT df.set_attributes('{\"d\": 1}'), 1/0$$, options => '{\"attributes\": {\"a\": 1, \"z\": null}}')");
        app.await(id);
        assertThat(app.value("SELECT attributes FROM df.find_instances(jsonb_build_object('ids', ?))", id))
                .isEqualTo("{\"b\": 2, \"c\": [1]}");
        assertThat(app.value("SELECT count(*) FROM df.find_instances('{\"attributes\": {\"a\": 1}}')"))
                .isEqualTo("0");
        assertThat(app.value("SELECT instance_id FROM df.find_instances('{\"attributes\": {\"c\": [1], \"b\": 2.0}}')"))
                .isEqualTo(id);
        assertThat(app.value(
                        "SELECT attributes FROM df.find_instances(jsonb_build_object('ids', ?))",
                        app.run("$$SELECT df.set_attributes('{\"only\": true}')$$")
                                .id()))
                .isEqualTo("{\"only\": true}");
        assertThat(app.run(
                                "$$SELECT df.set_attributes(jsonb_build_object('k' || n, repeat('x', 3000))) FROM generate_series(1, 9) AS n$$")
                        .output())
                .contains("bytes, more than 16384");
    }

    @Test
    void it_is_explained() throws SQLException {
        assertThat(app.value("SELECT df.explain($$ df.wait_for_event('$p.id', 'it''s', '2 minutes') |=> 'e' $$)"))
                .contains("EVENT 'it''s' of $p.id (120s) |=> 'e'");
    }
}
