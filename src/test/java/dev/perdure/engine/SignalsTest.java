package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Signals: kept until something waits for them, in order, each consumed once. */
@SuppressWarnings("try")
class SignalsTest {

    private static final String WAITING =
            "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL' AND status = 'running'";
    private static final String RECEIVE = "(df.wait_for_signal('go') |=> 's') ~>"
            + " 'INSERT INTO got (instance, data) VALUES (''{sys_instance_id}'', $s.data)'";

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "signal_app");
        app.execute("CREATE TABLE got (id bigint GENERATED ALWAYS AS IDENTITY, instance text, data text)");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    private void signal(String id, String name, String data) throws SQLException {
        assertThat(app.value("SELECT df.signal(?, ?, ?)", id, name, data)).isEqualTo("OK");
    }

    private @Nullable String got(String id) throws SQLException {
        return app.value("SELECT string_agg(data, ',' ORDER BY id) FROM got WHERE instance = ?", id);
    }

    private @Nullable String unconsumed(String id) throws SQLException {
        return app.value("SELECT count(*) FROM df.signals WHERE instance_id = ? AND consumed_at IS NULL", id);
    }

    /** Waits and records what came, so many times. */
    private static String collector(int signals) {
        List<String> steps = new ArrayList<>();
        for (int i = 0; i < signals; i++) {
            steps.add("(" + RECEIVE + ")");
        }
        return String.join(" ~> ", steps);
    }

    @Test
    void json_arrives_as_json_and_any_other_text_as_text() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String json = app.start("df.wait_for_signal('go')");
            String text = app.start("df.wait_for_signal('go')");
            String nothing = app.start("df.wait_for_signal('go')");
            app.awaitValue("1", WAITING, json);
            signal(json, "go", "{\"by\": [1.50, \"it's\"]}");
            signal(text, "go", "fire away");
            app.value("SELECT df.signal(?, 'go')", nothing);

            assertThat(app.await(json).status()).isEqualTo("completed");
            assertThat(app.value("SELECT df.result(?)", json))
                    .isEqualTo("{\"data\": {\"by\": [1.50, \"it's\"]}, \"timed_out\": false, \"signal_name\": \"go\"}");
            app.await(text);
            assertThat(app.result(text).get("data").asText()).isEqualTo("fire away");
            app.await(nothing);
            assertThat(app.result(nothing).get("data").isObject()).isTrue();
            assertThat(app.value(
                            "SELECT s.consumed_by = i.root_node FROM df.signals s JOIN df.instances i ON i.id = s.instance_id"
                                    + " WHERE i.id = ?",
                            json))
                    .isEqualTo("t");
        }
    }

    @Test
    void signals_that_come_before_the_wait_are_kept_and_consumed_in_order() throws SQLException {
        String id = app.start(collector(4));
        for (int i = 1; i <= 5; i++) {
            signal(id, "go", String.valueOf(i));
            signal(id, "other", "0");
        }
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(got(id)).isEqualTo("1,2,3,4");
            assertThat(unconsumed(id)).as("one too many, and another name").isEqualTo("6");
        }
    }

    @Test
    void parallel_branches_that_wait_for_one_name_need_a_signal_each() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("df.join3(" + RECEIVE + ", " + RECEIVE + ", " + RECEIVE + ")");
            app.awaitValue("3", WAITING, id);
            signal(id, "go", "1");
            app.awaitValue("1", "SELECT count(*) FROM got WHERE instance = ?", id);
            assertThat(app.value(WAITING, id)).isEqualTo("2");
            signal(id, "go", "2");
            signal(id, "go", "3");

            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.value("SELECT string_agg(data, ',' ORDER BY data) FROM got WHERE instance = ?", id))
                    .isEqualTo("1,2,3");
        }
    }

    @Test
    void each_round_of_a_loop_consumes_one() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start(
                    "df.loop(" + RECEIVE + ", 'SELECT count(*) < 3 FROM got WHERE instance = ''{sys_instance_id}''')");
            for (int i = 1; i <= 4; i++) {
                signal(id, "go", String.valueOf(i));
            }

            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(got(id)).isEqualTo("1,2,3");
            assertThat(unconsumed(id)).isEqualTo("1");
        }
    }

    @Test
    void a_wait_that_lost_its_race_leaves_the_signal_to_the_next_one() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("df.race(df.wait_for_signal('go'), 'SELECT 1') ~> df.sleep(1) ~> (" + RECEIVE + ")");
            app.awaitValue("completed", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'RACE'", id);
            signal(id, "go", "7");

            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(got(id)).isEqualTo("7");
        }
    }

    @Test
    void a_race_of_two_waits_consumes_only_what_the_winner_waited_for() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("df.race(df.wait_for_signal('yes'), df.wait_for_signal('no'))");
            app.awaitValue("2", WAITING, id);
            app.value(
                    "SELECT df.signal(id, 'no', '1') || df.signal(id, 'yes', '2') FROM df.instances WHERE id = ?", id);

            app.await(id);
            assertThat(unconsumed(id)).isEqualTo("1");
        }
    }

    @Test
    void a_wait_without_a_signal_times_out_and_one_with_a_signal_in_time_does_not() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var late = app.run("df.wait_for_signal('go', 1)");
            assertThat(app.value("SELECT df.result(?)", late.id()))
                    .isEqualTo("{\"data\": null, \"timed_out\": true, \"signal_name\": \"go\"}");
            assertThat(app.value("SELECT completed_at - started_at >= '1 s' FROM df.instances WHERE id = ?", late.id()))
                    .isEqualTo("t");

            String id = app.start("df.wait_for_signal('go', 3600)");
            app.awaitValue("1", WAITING, id);
            assertThat(app.value(
                            "SELECT wake_at - now() BETWEEN '3500 s' AND '3600 s' FROM df.nodes WHERE instance_id = ?",
                            id))
                    .isEqualTo("t");
            signal(id, "go", "1");
            app.await(id);
            assertThat(app.result(id).get("timed_out").asBoolean()).isFalse();
        }
    }

    @Test
    void a_signal_takes_part_in_the_transaction_of_its_sender() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter sender = Submitter.of(database, "signal_app")) {
            String id = app.start(RECEIVE);
            app.awaitValue("1", WAITING, id);
            sender.execute("BEGIN");
            sender.value("SELECT df.signal(?, 'go', '1')", id);
            sender.execute("ROLLBACK");
            sender.execute("BEGIN");
            sender.value("SELECT df.signal(?, 'other', '2')", id);
            signal(id, "go", "3");
            assertThat(app.await(id).status()).isEqualTo("completed");
            sender.execute("COMMIT");

            assertThat(got(id)).isEqualTo("3");
            assertThat(unconsumed(id)).isEqualTo("1");
        }
    }

    @Test
    void a_workflow_can_signal_another() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String waits = app.start("df.wait_for_signal('go')");
            var sends = app.run("'SELECT df.signal(''" + waits + "'', ''go'', ''\"from {sys_instance_id}\"'')'");

            app.await(waits);
            assertThat(app.result(waits).get("data").asText()).isEqualTo("from " + sends.id());
        }
    }

    @Test
    void a_cancellation_ends_the_wait() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("df.wait_for_signal('go')");
            app.awaitValue("1", WAITING, id);
            app.value("SELECT df.cancel(?, 'enough')", id);

            assertThat(app.await(id).output()).isEqualTo("canceled: enough");
            assertThat(app.value("SELECT error FROM df.nodes WHERE instance_id = ?", id))
                    .isEqualTo("canceled: enough");
            assertThat(app.value("SELECT df.signal(?, 'go')", id)).isEqualTo("OK");
            assertThat(unconsumed(id)).as("nothing is kept for what has ended").isEqualTo("0");
        }
    }

    @Test
    void signals_and_deadlines_that_came_while_nobody_led_are_found() throws SQLException {
        String id;
        String late;
        String timed;
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            id = app.start("df.wait_for_signal('go', 3600)");
            late = app.start("df.wait_for_signal('go', 2)");
            timed = app.start("df.wait_for_signal('go', 2)");
            app.awaitValue("3", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
        }
        signal(id, "go", "1");
        signal(late, "go", "\"in time\"");
        app.awaitValue("t", "SELECT bool_and(wake_at < now()) FROM df.nodes WHERE instance_id IN (?, ?)", late, timed);
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            app.await(id);
            assertThat(app.result(id).get("data").asInt()).isEqualTo(1);
            app.await(late);
            assertThat(app.result(late).get("data").asText()).isEqualTo("in time");
            app.await(timed);
            assertThat(app.result(timed).get("timed_out").asBoolean()).isTrue();
        }
    }

    @Test
    void every_signal_is_consumed_once_while_memory_is_lost_again_and_again() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                ids.add(app.start(collector(6)));
            }
            for (int round = 1; round <= 6; round++) {
                for (String id : ids) {
                    signal(id, "go", String.valueOf(round));
                }
                worker.loseMemory();
            }
            for (String id : ids) {
                assertThat(app.await(id).status()).isEqualTo("completed");
                assertThat(got(id)).isEqualTo("1,2,3,4,5,6");
            }
        }
    }

    @Test
    void instances_that_wait_for_signals_leave_memory_to_others_when_it_is_crowded() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.memory.limit", "64K"))) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                ids.add(app.start(collector(2)));
            }
            app.awaitValue(
                    "20",
                    "SELECT count(DISTINCT instance_id) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
            assertThat(app.run("'SELECT 1'").status()).as("there is room").isEqualTo("completed");
            for (String id : ids) {
                signal(id, "go", "1");
                signal(id, "go", "2");
            }
            for (String id : ids) {
                assertThat(app.await(id).status()).isEqualTo("completed");
                assertThat(got(id)).isEqualTo("1,2");
            }
        }
    }

    @Test
    void signals_are_found_without_notifications() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.intake.notify", "false"))) {
            String id = app.start(RECEIVE);
            app.awaitValue("1", WAITING, id);
            signal(id, "go", "1");
            app.await(id);
            assertThat(got(id)).isEqualTo("1");
        }
    }
}
