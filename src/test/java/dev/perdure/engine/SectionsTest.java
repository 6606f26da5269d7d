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

/** Sections of workflows that hold a slot of a queue, with a worker that leads. */
class SectionsTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "sections_app");
        app.execute(
                "CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, what text, at timestamptz DEFAULT clock_timestamp());"
                        + " CREATE SEQUENCE rounds; CREATE SEQUENCE tries");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    private static String queue(String name, String limits) throws SQLException {
        return Objects.requireNonNull(app.value("SELECT df.create_queue(?, " + limits + ")", name));
    }

    private static void awaitRunning(String queue, int running, int depth) {
        app.awaitValue(
                running + " " + depth, "SELECT concat(running, ' ', depth) FROM df.queues WHERE name = ?", queue);
    }

    private static String note(String what) {
        return "df.sql('INSERT INTO ledger (what) VALUES (''" + what + "'')')";
    }

    private static String noted(String what) throws SQLException {
        return Objects.requireNonNull(app.value("SELECT count(*) FROM ledger WHERE what = ?", what));
    }

    private static String section(String queue) {
        return "df.with_queue(" + Submitter.GATE + ", '" + queue + "')";
    }

    @Test
    void a_section_holds_its_slot_only_while_its_body_runs() throws SQLException {
        queue("one", "concurrency => 1");
        String first = app.start(section("one") + " ~> df.wait_for_signal('after')");
        awaitRunning("one", 1, 0);
        String second = app.start(note("before") + " ~> " + section("one") + " ~> " + note("behind"));
        awaitRunning("one", 1, 1);
        assertThat(noted("before")).isEqualTo("1");

        app.open(first);
        awaitRunning("one", 1, 0);
        app.open(second);
        assertThat(app.await(second).status()).isEqualTo("completed");
        assertThat(noted("behind")).isEqualTo("1");
        awaitRunning("one", 0, 0);
        app.value("SELECT df.signal(?, 'after')", first);
        assertThat(app.await(first).status()).isEqualTo("completed");
        assertThat(app.value("SELECT count(*) FROM df.signals WHERE name LIKE 'df.with_queue%'"))
                .isEqualTo("0");
    }

    @Test
    void what_a_section_waits_for_can_be_read() throws SQLException {
        queue("shown", "concurrency => 1");
        String holder = app.start(section("shown"));
        awaitRunning("shown", 1, 0);
        String id = app.start("df.with_queue(" + Submitter.GATE + ", 'shown', 'tenant 7')");
        awaitRunning("shown", 1, 1);

        assertThat(app.value(
                        "SELECT status || ' ' || (status_details -> 'waits' ->> 'reason') FROM df.nodes WHERE instance_id = ? AND node_type = 'WITH_QUEUE'",
                        id))
                .isEqualTo("running a slot of queue shown, key tenant 7");
        assertThat(app.value("SELECT df.explain(?)", id))
                .contains("WITH QUEUE shown, key tenant 7", "waits: a slot of queue shown, key tenant 7");
        app.open(holder);
        awaitRunning("shown", 1, 0);
        assertThat(app.value("SELECT df.explain(?)", id)).doesNotContain("waits: a slot");
        app.open(id);
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value("SELECT df.explain(df.with_queue('SELECT 1', 'shown', '{k}'))"))
                .contains("WITH QUEUE shown, key {k}", "in a slot:");
    }

    @Test
    void the_body_gives_its_result_and_its_names_to_what_follows() throws SQLException {
        queue("names", "concurrency => 3");

        assertThat(app.run("df.with_queue('SELECT 20 AS n' |=> 'a' ~> 'SELECT $a.n + 1 AS n', 'names') |=> 'b'"
                                + " ~> 'SELECT $a.n + $b.n AS n'")
                        .output())
                .contains("\"n\":41");
    }

    @Test
    void the_key_is_a_template_and_a_key_that_is_full_holds_up_no_other() throws SQLException {
        queue("keys", "concurrency_per_key => 1");
        List<String> ids = new ArrayList<>();
        for (String key : List.of("a", "a", "b")) {
            ids.add(app.start("df.sql('SELECT ''" + key + "'' AS k') |=> 'r' ~> df.with_queue(" + Submitter.GATE
                    + ", 'keys', '<$r.k>')"));
            // Their first steps run side by side: the first to be started shall be the first to ask.
            awaitRunning("keys", ids.size() == 3 ? 2 : 1, ids.size() == 1 ? 0 : 1);
        }
        app.open(ids.get(0));
        awaitRunning("keys", 2, 0);
        app.open(ids.get(1));
        app.open(ids.get(2));
        for (String id : ids) {
            assertThat(app.await(id).status()).isEqualTo("completed");
        }
        assertThat(app.run("df.sql('SELECT 1 AS a') |=> 'r' ~> df.with_queue('SELECT 1', 'keys', '$r.nope')")
                        .output())
                .contains("nope");
    }

    @Test
    void instances_and_sections_share_the_slots_and_take_turns() throws SQLException {
        queue("both", "concurrency => 1");
        app.value("SELECT df.pause_queue('both')");
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            ids.add(app.start(note("instance") + ", options => '{\"queue\": \"both\", \"key\": \"a\"}'"));
            ids.add(app.start("df.with_queue(" + note("section") + ", 'both', 'b')"));
        }
        awaitRunning("both", 0, 6);
        app.value("SELECT df.resume_queue('both')");
        ids.forEach(app::await);

        assertThat(app.value(
                        "SELECT string_agg(what, ' ' ORDER BY id) FROM ledger WHERE what IN ('instance', 'section')"))
                .isEqualTo("instance section instance section instance section");
    }

    @Test
    void a_slot_is_given_back_however_the_body_ends() throws SQLException {
        queue("ends", "concurrency => 1");
        assertThat(app.run("df.with_queue('SELECT 1 / 0', 'ends')").status()).isEqualTo("failed");
        awaitRunning("ends", 0, 0);
        assertThat(app.run("df.catch(df.with_queue('SELECT 1 / 0', 'ends'), 'SELECT $error.code AS code')")
                        .output())
                .contains("22012");
        String cancelled = app.start(section("ends"));
        awaitRunning("ends", 1, 0);
        String waiting = app.start(section("ends"));
        awaitRunning("ends", 1, 1);
        app.value("SELECT df.cancel(?), df.cancel(?)", waiting, cancelled);
        assertThat(app.await(cancelled).status()).isEqualTo("cancelled");
        assertThat(app.await(waiting).status()).isEqualTo("cancelled");
        awaitRunning("ends", 0, 0);
        String raced = app.start("df.race(" + section("ends") + ", df.wait_for_signal('other'))");
        awaitRunning("ends", 1, 0);
        app.value("SELECT df.signal(?, 'other')", raced);
        assertThat(app.await(raced).status()).isEqualTo("completed");
        awaitRunning("ends", 0, 0);
        assertThat(app.run("df.timeout(" + section("ends") + ", '200 ms', 'SELECT 7 AS n')")
                        .output())
                .contains("\"n\":7");
        awaitRunning("ends", 0, 0);
        assertThat(app.run("df.loop(df.with_queue('SELECT nextval(''rounds'') AS n', 'ends') |=> 'n' ~> 'SELECT $n.n',"
                                + " 'SELECT $n.n < 4', every => '0')")
                        .status())
                .isEqualTo("completed");
        assertThat(app.run("df.retry(df.with_queue('SELECT 1 / (nextval(''tries'') - 2)', 'ends'), 5, '1 ms')")
                        .status())
                .isEqualTo("completed");
        awaitRunning("ends", 0, 0);
        assertThat(app.rows("SELECT * FROM df.signals WHERE name LIKE 'df.with_queue%' AND consumed_at IS NULL"))
                .isEmpty();
    }

    @Test
    void each_item_of_a_map_has_a_slot_of_its_own_and_a_cancel_gives_all_of_them_back() throws SQLException {
        queue("items", "concurrency => 2");
        String id = app.start(
                "df.map('SELECT g AS x FROM generate_series(1, 12) g', df.with_queue('SELECT $item.x AS n', 'items', '$item.x'))"
                        + " |=> 'm' ~> 'SELECT sum((result -> ''rows'' -> 0 ->> ''n'')::int) AS s FROM $m.items'");
        assertThat(app.await(id).output()).contains("\"s\":78");
        awaitRunning("items", 0, 0);
        String cancelled = app.start("df.map('SELECT g FROM generate_series(1, 5) g', " + section("items") + ")");
        awaitRunning("items", 2, 3);
        app.value("SELECT df.cancel(?)", cancelled);
        app.await(cancelled);
        awaitRunning("items", 0, 0);
    }

    @Test
    void neither_a_slot_nor_a_wait_is_lost_when_the_worker_loses_its_memory() throws SQLException {
        queue("crash", "concurrency => 1");
        String first = app.start("df.with_queue(" + Submitter.GATE + " ~> " + note("crash") + ", 'crash')");
        awaitRunning("crash", 1, 0);
        String second = app.start("df.with_queue(" + note("crash") + ", 'crash')");
        awaitRunning("crash", 1, 1);
        worker.loseMemory();
        awaitRunning("crash", 1, 1);
        app.open(first);
        worker.loseMemory();

        assertThat(app.await(first).status()).isEqualTo("completed");
        assertThat(app.await(second).status()).isEqualTo("completed");
        assertThat(noted("crash")).isEqualTo("2");
        awaitRunning("crash", 0, 0);
    }

    @Test
    void a_redriven_instance_asks_for_its_slot_again() throws SQLException {
        queue("redriven", "concurrency => 1");
        String cancelled = app.start("df.with_queue(" + note("redriven") + " ~> " + Submitter.GATE + ", 'redriven')");
        app.awaitValue("1", "SELECT count(*) FROM ledger WHERE what = 'redriven'");
        app.value("SELECT df.cancel(?)", cancelled);
        app.await(cancelled);
        String other = app.start(section("redriven"));
        awaitRunning("redriven", 1, 0);
        app.value("SELECT df.redrive(?)", cancelled);
        awaitRunning("redriven", 1, 1);
        app.open(other);
        app.await(other);
        awaitRunning("redriven", 1, 0);
        app.open(cancelled);
        assertThat(app.await(cancelled).status()).isEqualTo("completed");
        assertThat(noted("redriven")).isEqualTo("1");
        String forked = Objects.requireNonNull(app.value(
                "SELECT df.fork(?, (SELECT id FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'))",
                cancelled,
                cancelled));
        awaitRunning("redriven", 1, 0);
        app.open(forked);
        assertThat(app.await(forked).status()).isEqualTo("completed");
        assertThat(noted("redriven")).isEqualTo("1");
        awaitRunning("redriven", 0, 0);
    }

    @Test
    void a_rate_bounds_sections_and_instances_together_over_a_change_of_the_leader() throws SQLException {
        queue("rate", "rate => 5, per => '400 ms'");
        for (int i = 0; i < 10; i++) {
            app.start("df.with_queue(" + note("rate") + ", 'rate')");
            app.start(note("rate") + ", options => '{\"queue\": \"rate\"}'");
        }
        worker.loseMemory();
        app.awaitValue("20", "SELECT count(*) FROM ledger WHERE what = 'rate'");
        assertThat(Integer.parseInt(Objects.requireNonNull(app.value(
                        "SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY at RANGE BETWEEN CURRENT ROW AND interval '399 ms' FOLLOWING) AS n"
                                + " FROM ledger WHERE what = 'rate') AS w"))))
                .isLessThanOrEqualTo(5);
    }

    @Test
    void a_section_of_a_queue_that_rejects_fails_with_a_code_that_can_be_caught() throws SQLException {
        queue("reject", "concurrency => 1, overflow => 'reject'");
        String holder = app.start(section("reject"));
        awaitRunning("reject", 1, 0);
        assertThat(app.run("df.catch(df.with_queue('SELECT 1', 'reject'), 'SELECT $error.message AS m', '{53400}')")
                        .output())
                .contains("queue \\\"reject\\\" is full");
        app.open(holder);
        app.await(holder);
        assertThat(app.run("df.with_queue('SELECT 1', 'reject')").status()).isEqualTo("completed");
    }

    @Test
    void what_could_never_get_its_slot_is_refused() throws SQLException {
        queue("deep", "concurrency => 1");
        assertThatThrownBy(() ->
                        app.value("SELECT df.with_queue(df.with_queue('SELECT 1', 'deep') ~> 'SELECT 2', 'deep')"))
                .hasMessageContaining("a section of queue \"deep\" stands in another one of that queue");
        assertThatThrownBy(
                        () -> app.start(
                                "'{\"node_type\":\"WITH_QUEUE\",\"query\":\"{\\\"queue\\\":\\\"deep\\\"}\",\"left_node\":{\"node_type\":\"WITH_QUEUE\",\"query\":\"{\\\"queue\\\":\\\"deep\\\"}\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"}}}'"))
                .hasMessageContaining("stands in another one of that queue");
        assertThatThrownBy(() -> app.start("df.with_queue('SELECT 1', 'deep'), options => '{\"queue\": \"deep\"}'"))
                .hasMessageContaining("it would wait for the slot that it holds");
        app.execute("SELECT df.define('inner', df.with_queue('SELECT 1 AS n', 'deep'))");
        assertThat(app.run("df.with_queue(df.call('inner'), 'deep')").output())
                .contains("holds a slot of queue \"deep\" until this section has ended");
        assertThat(app.run("df.call('inner'), options => '{\"queue\": \"deep\"}'")
                        .output())
                .contains("holds a slot of queue \"deep\" until this section has ended");
        assertThat(app.run("df.with_queue('SELECT 2', 'deep') & df.call('inner')")
                        .status())
                .isEqualTo("completed");
        awaitRunning("deep", 0, 0);
    }

    @Test
    void mistakes_are_told_when_it_is_built_and_when_it_is_started() throws SQLException {
        assertThatThrownBy(() -> app.value("SELECT df.with_queue('SELECT 1', '')"))
                .hasMessageContaining("df.with_queue: queue must be a name of 1 to 255 characters");
        assertThatThrownBy(() -> app.value("SELECT df.with_queue('SELECT 1', 'q', '')"))
                .hasMessageContaining("df.with_queue: key must not be empty");
        assertThatThrownBy(() -> app.value("SELECT df.with_queue('SELECT 1', NULL)"))
                .hasMessageContaining("queue");
        assertThatThrownBy(() -> app.start("df.with_queue('SELECT 1', 'nowhere')"))
                .hasMessageContaining("df.start: there is no queue \"nowhere\" of yours");
        assertThatThrownBy(
                        () -> app.value("SELECT df.start_many(df.with_queue('SELECT 1', 'nowhere'), 'SELECT 1 AS a')"))
                .hasMessageContaining("df.start_many: there is no queue \"nowhere\"");
        assertThatThrownBy(() -> app.start("df.with_queue('SELECT 1', 'nowhere', '$x')"))
                .hasMessageContaining("no step of this workflow binds the name of $x");
        assertThatThrownBy(
                        () -> app.start(
                                "'{\"node_type\":\"WITH_QUEUE\",\"query\":\"{}\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"}}'"))
                .hasMessageContaining("queue of WITH_QUEUE must be a name");
        queue("gone", "concurrency => 1");
        String id = app.start(Submitter.GATE + " ~> df.with_queue('SELECT 1', 'gone')");
        app.value("SELECT df.drop_queue('gone')");
        app.open(id);
        assertThat(app.await(id).output()).contains("there is no queue \"gone\" of yours");
        queue("long", "concurrency => 1");
        assertThat(app.run("df.with_queue('SELECT 1', 'long', '" + "x".repeat(256) + "')")
                        .output())
                .contains("the key has 256 characters, at most 255 are allowed");
    }

    @Test
    void the_queue_of_another_role_is_used_after_a_grant_only() throws SQLException {
        queue("lent", "concurrency => 1");
        try (Submitter other = Submitter.of(database, "sections_other")) {
            assertThatThrownBy(() -> other.start(section("lent"))).hasMessageContaining("there is no queue \"lent\"");
            app.value("SELECT df.grant_queue('lent', 'sections_other')");
            String first = other.start(section("lent"));
            awaitRunning("lent", 1, 0);
            String second = app.start(section("lent"));
            awaitRunning("lent", 1, 1);
            assertThatThrownBy(() -> app.value("SELECT df.drop_queue('lent')"))
                    .hasMessageContaining("1 instances or sections wait in it and 1 run");
            assertThatThrownBy(() -> other.value(
                            "INSERT INTO df._section_requests (submitted_by, subject, node_id, execution_id, reply, queue)"
                                    + " VALUES (current_user::regrole, ?, 'x', 'x', 'df.with_queue 0', 'lent')",
                            second))
                    .hasMessageContaining("row-level security");
            other.open(first);
            other.await(first);
            assertThatThrownBy(() -> other.value(
                            "SELECT df._ask_for_slot('lent', NULL, ?, 'x', 'x', 'df.with_queue 00000000-0000-0000-0000-000000000000')",
                            first))
                    .hasMessageContaining("instance " + first + " has ended");
            app.open(second);
            assertThat(app.await(second).status()).isEqualTo("completed");
        }
    }

    @Test
    void who_locks_the_instance_of_a_section_keeps_nobody_else_waiting() throws SQLException {
        queue("locked", "concurrency => 1");
        app.value("SELECT df.pause_queue('locked')");
        String first = app.start("df.with_queue('SELECT 1', 'locked', 'a')");
        String second = app.start("df.with_queue('SELECT 1', 'locked', 'b')");
        String ofSameKey = app.start("df.with_queue('SELECT 1', 'locked', 'a')");
        awaitRunning("locked", 0, 3);
        try (Connection locking = database.connect("sections_app")) {
            locking.setAutoCommit(false);
            TestDatabase.rows(locking, "SELECT id FROM df.instances WHERE id = '" + first + "' FOR UPDATE");
            app.value("SELECT df.resume_queue('locked')");
            assertThat(app.await(second).status()).isEqualTo("completed");
            locking.rollback();
        }
        assertThat(app.await(first).status()).isEqualTo("completed");
    }

    @Test
    void a_role_whose_steps_see_an_old_snapshot_gives_its_slots_back() throws SQLException {
        try (Submitter old = Submitter.of(database, "sections_old")) {
            database.asSuperuser("ALTER ROLE sections_old SET default_transaction_isolation = 'repeatable read'");
            old.value("SELECT df.create_queue('old', concurrency => 1, rate => 100)");
            for (int i = 0; i < 3; i++) {
                assertThat(old.run("df.with_queue('SELECT 1' ~> 'SELECT 2', 'old') & df.with_queue('SELECT 3', 'old')")
                                .status())
                        .isEqualTo("completed");
            }
            old.awaitValue("0", "SELECT running FROM df.queues WHERE name = 'old'");
        }
    }
}
