package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Starts at a time, dedup keys and queues, with a worker that leads. */
class QueuesTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "queues_app");
        app.execute(
                "CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, what text, at timestamptz DEFAULT clock_timestamp())");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    private static String start(String expression, String options) throws SQLException {
        return Objects.requireNonNull(app.value("SELECT df.start(" + expression + ", options => ?::jsonb)", options));
    }

    private static String queue(String name, String limits) throws SQLException {
        return Objects.requireNonNull(
                app.value("SELECT df.create_queue(?" + (limits.isEmpty() ? "" : ", ") + limits + ")", name));
    }

    private static void awaitRunning(String queue, int running, int depth) {
        app.awaitValue(
                running + " " + depth, "SELECT concat(running, ' ', depth) FROM df.queues WHERE name = ?", queue);
    }

    @Test
    void a_delayed_start_waits_for_its_time() throws SQLException {
        String id = start("'SELECT 1 AS x'", "{\"delay\": \"700 ms\"}");
        app.value("SELECT df.signal(?, 'early')", id);

        assertThat(app.value("SELECT df.status(?)", id)).isEqualTo("pending");
        assertThat(app.value("SELECT df.explain(?)", id)).containsPattern("Waits: +until 20.*, since 20");
        assertThat(app.value("SELECT output FROM df.instance_info(?)", id)).startsWith("waits until 20");
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value(
                        "SELECT extract(epoch FROM started_at - created_at) BETWEEN 0.69 AND 60 FROM df.instances WHERE id = ?",
                        id))
                .isEqualTo("t");
    }

    @Test
    void a_start_that_waits_is_cancelled_at_once() throws SQLException {
        String id = start("'SELECT 1 AS x'", "{\"start_at\": \"2199-01-01T00:00Z\"}");

        app.value("SELECT df.cancel(?, 'no need')", id);

        assertThat(app.rows("SELECT status, output FROM df.instances WHERE id = ?", id))
                .containsExactly(List.of("cancelled", "canceled: no need"));
    }

    @Test
    void one_instance_of_a_dedup_key_until_it_has_ended() throws SQLException {
        String first = start(Submitter.GATE, "{\"dedup\": \"order 7\"}");

        assertThat(start(Submitter.GATE, "{\"dedup\": \"order 7\"}")).isEqualTo(first);
        assertThatThrownBy(() -> start(Submitter.GATE, "{\"dedup\": \"order 7\", \"on_duplicate\": \"raise\"}"))
                .hasMessageContaining("instance " + first + " holds the dedup key 'order 7' and has not ended");
        String second = start(Submitter.GATE, "{\"dedup\": \"order 7\", \"on_duplicate\": \"replace\"}");
        assertThat(second).isNotEqualTo(first);
        assertThat(app.await(first).output()).isEqualTo("canceled: Replaced by instance " + second);
        app.open(second);
        assertThat(app.await(second).status()).isEqualTo("completed");
        assertThat(start("'SELECT 1'", "{\"dedup\": \"order 7\"}")).isNotEqualTo(second);
    }

    @Test
    void two_sessions_start_one_instance_of_a_dedup_key() throws Exception {
        try (Connection one = database.connect("queues_app")) {
            one.setAutoCommit(false);
            String first = TestDatabase.rows(
                            one, "SELECT df.start(" + Submitter.GATE + ", options => '{\"dedup\": \"both\"}')")
                    .get(0)
                    .get(0);
            var other = java.util.concurrent.CompletableFuture.supplyAsync(() -> {
                try {
                    return start(Submitter.GATE, "{\"dedup\": \"both\"}");
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            try (Submitter observer = Submitter.observer(database)) {
                observer.awaitValue(
                        "t",
                        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");
            }
            one.commit();
            assertThat(other.get()).isEqualTo(first);
            app.open(Objects.requireNonNull(first));
        }
    }

    @Test
    void a_debounced_start_moves_and_takes_the_latest_variables() throws SQLException {
        String options = "{\"dedup\": \"search\", \"debounce\": \"%s\", \"vars\": {\"q\": \"%s\"}}";
        String first = start("'SELECT {q} AS q'", options.formatted("1 hour", 1));
        assertThat(start("'SELECT {q} AS q'", options.formatted("1 hour", 2))).isEqualTo(first);
        assertThat(start("'SELECT {q} AS q'", options.formatted("1 ms", 3))).isEqualTo(first);

        assertThat(app.await(first).status()).isEqualTo("completed");
        assertThat(app.result(first).at("/rows/0/q").asInt()).isEqualTo(3);
        assertThat(start("'SELECT {q} AS q'", options.formatted("1 hour", 4))).isNotEqualTo(first);
    }

    @Test
    void no_more_run_than_a_queue_has_slots() throws SQLException {
        queue("two", "concurrency => 2");
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.add(start(Submitter.GATE, "{\"queue\": \"two\"}"));
        }
        awaitRunning("two", 2, 3);
        assertThat(app.value("SELECT df.explain(?)", ids.get(4)))
                .containsPattern("Waits: +for a slot of queue two, since");

        app.open(ids.get(0));
        app.await(ids.get(0));
        awaitRunning("two", 2, 2);
        app.value("SELECT df.cancel(?)", ids.get(1));
        app.value("SELECT df.cancel(?)", ids.get(4));
        awaitRunning("two", 2, 0);
        worker.loseMemory();
        for (String id : ids.subList(2, 4)) {
            app.open(id);
            assertThat(app.await(id).status()).isEqualTo("completed");
        }
        awaitRunning("two", 0, 0);
    }

    @Test
    void keys_take_turns_inside_a_priority_and_a_full_one_holds_nobody_up() throws SQLException {
        queue("fair", "concurrency => 1, concurrency_per_key => 1");
        app.value("SELECT df.pause_queue('fair')");
        String work = "df.sql('INSERT INTO ledger (what) VALUES (''%s'')')";
        List<String> ids = new ArrayList<>();
        for (String what : List.of("a1", "a2", "a3", "b1", "b2", "c1")) {
            ids.add(start(work.formatted(what), "{\"queue\": \"fair\", \"key\": \"" + what.charAt(0) + "\"}"));
        }
        ids.add(start(work.formatted("urgent"), "{\"queue\": \"fair\", \"key\": \"z\", \"priority\": -1}"));
        app.value("SELECT df.resume_queue('fair')");
        ids.forEach(app::await);
        assertThat(
                        app.value(
                                "SELECT string_agg(what, ' ' ORDER BY id) FROM ledger WHERE what = 'urgent' OR what ~ '^[abc]'"))
                .isEqualTo("urgent a1 b1 c1 a2 b2 a3");

        app.value("SELECT df.alter_queue('fair', concurrency => 2)");
        String full = start(Submitter.GATE, "{\"queue\": \"fair\", \"key\": \"a\"}");
        String behind = start(Submitter.GATE, "{\"queue\": \"fair\", \"key\": \"a\"}");
        assertThat(app.await(start("'SELECT 1'", "{\"queue\": \"fair\", \"key\": \"b\", \"priority\": 9}"))
                        .status())
                .isEqualTo("completed");
        app.open(full);
        app.open(behind);
        app.await(behind);
    }

    @Test
    void a_rate_bounds_starts_over_a_change_of_the_leader() throws SQLException {
        queue("rate", "rate => 5, per => '400 ms'");
        app.value(
                "SELECT count(*) FROM df.start_many(df.sql('INSERT INTO ledger (what) VALUES (''rate'')'), 'SELECT generate_series(1, 20)', '{\"queue\": \"rate\"}')");
        worker.loseMemory();
        app.awaitValue("20", "SELECT count(*) FROM ledger WHERE what = 'rate'");
        assertThat(app.value(
                        "SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY at RANGE BETWEEN CURRENT ROW AND interval '399 ms' FOLLOWING) AS n"
                                + " FROM ledger WHERE what = 'rate') AS w"))
                .isEqualTo("5");
    }

    @Test
    void a_start_that_finds_no_slot_is_refused_or_cancels_somebody() throws SQLException {
        queue("reject", "concurrency => 1, overflow => 'reject'");
        String running = start(Submitter.GATE, "{\"queue\": \"reject\"}");
        assertThatThrownBy(() -> start(Submitter.GATE, "{\"queue\": \"reject\"}"))
                .hasMessageContaining("queue \"reject\" is full");
        assertThat(app.value("SELECT df.alter_queue('reject', overflow => 'cancel_newest')"))
                .isEqualTo("reject");
        String newest = start(Submitter.GATE, "{\"queue\": \"reject\"}");
        assertThat(app.await(newest).output()).isEqualTo("canceled: Queue reject is full");
        app.value("SELECT df.alter_queue('reject', overflow => 'cancel_oldest')");
        newest = start(Submitter.GATE, "{\"queue\": \"reject\"}");
        assertThat(app.await(running).status()).isEqualTo("cancelled");
        awaitRunning("reject", 1, 0);
        app.open(newest);
        app.await(newest);
    }

    @Test
    void a_queue_in_which_instances_wait_is_not_dropped() throws SQLException {
        queue("busy", "concurrency => 1");
        String first = start(Submitter.GATE, "{\"queue\": \"busy\"}");
        awaitRunning("busy", 1, 0);
        String second = start(Submitter.GATE, "{\"queue\": \"busy\"}");

        assertThatThrownBy(() -> app.value("SELECT df.drop_queue('busy')"))
                .hasMessageContaining("queue \"busy\" cannot be dropped: 1 instance wait in it and 1 run");
        app.value("SELECT df.cancel(?), df.cancel(?)", first, second);
        app.await(first);
        assertThat(app.value("SELECT df.drop_queue('busy')")).isEqualTo("busy");
        assertThatThrownBy(() -> start("'SELECT 1'", "{\"queue\": \"busy\"}"))
                .hasMessageContaining("there is no queue \"busy\"");
    }

    @Test
    void a_redriven_instance_waits_for_a_slot_again() throws SQLException {
        queue("again", "concurrency => 1");
        String failed = start("'SELECT 1/0'", "{\"queue\": \"again\"}");
        app.await(failed);
        String running = start(Submitter.GATE, "{\"queue\": \"again\"}");
        awaitRunning("again", 1, 0);
        app.value("SELECT df.redrive(?)", failed);
        awaitRunning("again", 1, 1);
        app.open(running);
        app.await(running);
        app.await(failed);
        awaitRunning("again", 0, 0);
    }

    @Test
    void the_queue_of_another_role_is_used_after_a_grant_only() throws SQLException {
        queue("shared", "concurrency => 1");
        try (Submitter other = Submitter.of(database, "queues_other")) {
            String start = "SELECT df.start(" + Submitter.GATE + ", options => '{\"queue\": \"shared\"}')";
            assertThatThrownBy(() -> other.value(start)).hasMessageContaining("there is no queue \"shared\" of yours");
            assertThat(other.value("SELECT count(*) FROM df.queues")).isEqualTo("0");
            app.value("SELECT df.grant_queue('shared', 'queues_other')");
            String first = Objects.requireNonNull(other.value(start));
            awaitRunning("shared", 1, 0);
            String second = start(Submitter.GATE, "{\"queue\": \"shared\"}");
            awaitRunning("shared", 1, 1);
            assertThatThrownBy(() -> other.value("SELECT df.pause_queue('shared')"))
                    .hasMessageContaining("no queue \"shared\" of yours");
            other.open(first);
            other.await(first);
            awaitRunning("shared", 1, 0);
            app.open(second);
            app.await(second);
            app.value("SELECT df.revoke_queue('shared', 'queues_other')");
            assertThatThrownBy(() -> other.value(start)).hasMessageContaining("there is no queue");
        }
    }

    @Test
    void who_locks_what_waits_keeps_nobody_else_waiting() throws SQLException {
        queue("locked", "concurrency => 1, rate => 1000");
        app.value("SELECT df.pause_queue('locked')");
        String first = start("'SELECT 1'", "{\"queue\": \"locked\", \"key\": \"a\"}");
        String second = start("'SELECT 1'", "{\"queue\": \"locked\", \"key\": \"b\"}");
        try (Connection locking = database.connect("queues_app");
                Submitter other = Submitter.of(database, "queues_third")) {
            locking.setAutoCommit(false);
            TestDatabase.rows(locking, "SELECT id FROM df.instances FOR UPDATE");
            TestDatabase.rows(locking, "SELECT df.cancel(?)", first);
            app.value("SELECT df.resume_queue('locked')");
            other.value("SELECT df.create_queue('own', concurrency => 1)");
            assertThat(other.run("'SELECT 1', options => '{\"queue\": \"own\"}'")
                            .status())
                    .isEqualTo("completed");
            awaitRunning("locked", 1, 1);
            locking.rollback();
        }
        assertThat(app.await(first).status()).isEqualTo("completed");
        assertThat(app.await(second).status()).isEqualTo("completed");
    }

    @Test
    void a_role_whose_steps_see_an_old_snapshot_gives_its_slots_back() throws SQLException {
        try (Submitter old = Submitter.of(database, "queues_old")) {
            database.asSuperuser("ALTER ROLE queues_old SET default_transaction_isolation = 'repeatable read'");
            old.value("SELECT df.create_queue('old', concurrency => 1, rate => 100)");
            for (int i = 0; i < 3; i++) {
                String id =
                        old.start("'SELECT 1' ~> 'SELECT 2', options => '{\"queue\": \"old\", \"dedup\": \"one\"}'");
                assertThat(old.await(id).status()).isEqualTo("completed");
            }
            old.awaitValue("0", "SELECT running FROM df.queues WHERE name = 'old'");
        }
    }

    @Test
    void an_open_cancel_of_the_first_in_a_queue_keeps_nobody_else_waiting() throws SQLException {
        queue("crossed", "concurrency => 1");
        app.value("SELECT df.pause_queue('crossed')");
        String first = start("'SELECT 1'", "{\"queue\": \"crossed\"}");
        String second = start("'SELECT 2'", "{\"queue\": \"crossed\"}");
        awaitRunning("crossed", 0, 2);
        try (Connection locking = database.connect("queues_app")) {
            locking.setAutoCommit(false);
            TestDatabase.rows(locking, "SELECT df.cancel('" + first + "')");
            app.value("SELECT df.resume_queue('crossed')");
            assertThat(app.await(second).status()).isEqualTo("completed");
            locking.rollback();
        }
        assertThat(app.await(first).status()).isEqualTo("completed");
    }
}
