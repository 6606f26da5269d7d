package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Queues whose role was dropped, and names that mean something else to each role. */
class QueueOwnersTest {

    private static final String IN = "SELECT df.start(%s, options => '{\"queue\": \"%s\"}')";

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;
    private static Submitter owner;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "owners_app");
        owner = Submitter.at(database.url(PostgresServer.OWNER));
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        owner.close();
        worker.close();
    }

    /** A role with a queue of one slot that everybody may use; then it is dropped, with an instance that waits in it. */
    private static String dropped(String role, String queue) throws SQLException {
        try (Submitter leaving = Submitter.of(database, role)) {
            leaving.value("SELECT df.create_queue(?, concurrency => 1), df.grant_queue(?, 'PUBLIC')", queue, queue);
        }
        String number = Objects.requireNonNull(app.value("SELECT ?::regrole::oid", role));
        String running = Objects.requireNonNull(app.value(IN.formatted(Submitter.GATE, queue)));
        app.awaitValue("1", "SELECT running FROM df.queues WHERE name = ?", queue);
        try (Submitter leaving = Submitter.of(database, role)) {
            leaving.value(IN.formatted("'SELECT 1'", queue));
        }
        database.asSuperuser("DROP OWNED BY " + role + "; DROP ROLE " + role);
        app.open(running);
        assertThat(app.await(running).status()).as("what runs goes on").isEqualTo("completed");
        return number;
    }

    @Test
    void the_queue_of_a_dropped_role_pauses_itself_and_disturbs_nobody() throws SQLException {
        String number = dropped("owners_gone", "left");
        String waits = Objects.requireNonNull(app.value(IN.formatted("'SELECT 2'", "left")));
        app.awaitValue(
                number + " true its role was dropped 0 2",
                "SELECT concat_ws(' ', owner, paused::text, pause_reason, running, depth) FROM df.queues WHERE name ="
                        + " 'left'");

        assertThat(app.value("SELECT df.explain(?)", waits))
                .containsPattern("Waits: +for a slot of queue left, which is paused \\(its role was dropped\\), since");
        assertThat(app.value("SELECT output FROM df.instance_info(?)", waits))
                .contains("which is paused (its role was dropped)");
        String section = app.start("df.with_queue('SELECT 3', 'left')");
        app.awaitValue(
                "a slot of queue left, which is paused (its role was dropped)",
                "SELECT status_details -> 'waits' ->> 'reason' FROM df.nodes WHERE instance_id = ? AND node_type ="
                        + " 'WITH_QUEUE'",
                section);
        app.value("SELECT df.create_queue('mine', concurrency => 1)");
        assertThat(app.await(Objects.requireNonNull(app.value(IN.formatted("'SELECT 4'", "mine"))))
                        .status())
                .isEqualTo("completed");

        app.value("SELECT df.cancel(?), df.cancel(?)", waits, section);
        assertThat(app.await(waits).status()).isEqualTo("cancelled");
        assertThat(app.await(section).status()).isEqualTo("cancelled");
    }

    @Test
    void the_owner_of_the_schema_gives_it_to_another_role_or_drops_it() throws SQLException {
        String number = dropped("owners_late", "late");
        String waits = Objects.requireNonNull(app.value(IN.formatted("'SELECT 2'", "late")));
        app.awaitValue("t", "SELECT pause_reason IS NOT NULL FROM df.queues WHERE name = 'late'");

        assertThatThrownBy(() -> app.value("SELECT df.reassign_queue('late', ?, 'owners_app')", number))
                .hasMessageContaining("permission denied for function reassign_queue");
        assertThatThrownBy(() -> owner.value("SELECT df.reassign_queue('late', 'owners_app', 'owners_app')"))
                .hasMessageContaining("there is no queue \"late\" of \"owners_app\"");
        assertThatThrownBy(() -> owner.value("SELECT df.reassign_queue('late', ?, 'PUBLIC')", number))
                .hasMessageContaining("a queue belongs to one role");
        assertThat(owner.value("SELECT df.reassign_queue('late', ?, 'owners_app')", number))
                .isEqualTo("late");
        assertThat(app.rows("SELECT owner, paused, pause_reason IS NULL FROM df.queues WHERE name = 'late'"))
                .containsExactly(List.of("owners_app", "t", "t"));
        app.value("SELECT df.resume_queue('late')");
        assertThat(app.await(waits).status()).isEqualTo("completed");
        // What the dropped role has left fails as it would have without a queue, and gives its slot back.
        app.awaitValue("0 0", "SELECT concat_ws(' ', running, depth) FROM df.queues WHERE name = 'late'");
        app.value("SELECT df.drop_queue('late')");

        String other = dropped("owners_last", "last");
        owner.value("SELECT df.reassign_queue('last', ?, ?)", other, PostgresServer.OWNER);
        assertThatThrownBy(() -> owner.value("SELECT df.drop_queue('last')"))
                .hasMessageContaining("1 instance wait in it");
        owner.value("SELECT df.cancel_many('{\"queue\": \"last\"}')");
        // One that was admitted already is wound up in a moment.
        owner.awaitValue("0 0", "SELECT concat_ws(' ', running, depth) FROM df.queues WHERE name = 'last'");
        assertThat(owner.value("SELECT df.drop_queue('last')")).isEqualTo("last");
    }

    @Test
    void what_a_dropped_role_has_granted_makes_no_name_ambiguous() throws SQLException {
        dropped("owners_first", "post");
        try (Submitter other = Submitter.of(database, "owners_second")) {
            other.value("SELECT df.create_queue('post', concurrency => 1), df.grant_queue('post', 'owners_app')");
            assertThat(app.await(Objects.requireNonNull(app.value(IN.formatted("'SELECT 1'", "post"))))
                            .status())
                    .isEqualTo("completed");
            assertThatThrownBy(() -> owner.value("SELECT df.reassign_queue('post', 'owners_second', 'owners_nobody')"))
                    .hasMessageContaining("role \"owners_nobody\" does not exist");
        }
    }

    @Test
    void a_dedup_key_is_of_a_role_and_a_queue() throws SQLException {
        app.value("SELECT df.create_queue('one'), df.create_queue('two'), df.grant_queue('one', 'PUBLIC')");
        String start = "SELECT df.start(" + Submitter.GATE + ", options => ?::jsonb)";
        String plain = "{\"dedup\": \"order 7\"}";
        String one = "{\"dedup\": \"order 7\", \"queue\": \"one\"}";
        String two = "{\"dedup\": \"order 7\", \"queue\": \"two\"}";
        try (Submitter other = Submitter.of(database, "owners_third")) {
            List<String> ids = List.of(
                    Objects.requireNonNull(app.value(start, plain)),
                    Objects.requireNonNull(app.value(start, one)),
                    Objects.requireNonNull(app.value(start, two)),
                    Objects.requireNonNull(other.value(start, plain)),
                    Objects.requireNonNull(other.value(start, one)));

            assertThat(ids).doesNotHaveDuplicates();
            assertThat(List.of(
                            Objects.requireNonNull(app.value(start, plain)),
                            Objects.requireNonNull(app.value(start, one)),
                            Objects.requireNonNull(app.value(start, two)),
                            Objects.requireNonNull(other.value(start, plain)),
                            Objects.requireNonNull(other.value(start, one))))
                    .isEqualTo(ids);
            owner.value(
                    "SELECT df.cancel_many(jsonb_build_object('ids', ?::jsonb))",
                    ids.stream().map(id -> '"' + id + '"').toList().toString());
        }
    }

    @Test
    void what_is_rolled_back_has_not_happened() throws SQLException {
        app.value("SELECT df.create_queue('kept', concurrency => 1)");
        try (Connection session = database.connect("owners_app")) {
            session.setAutoCommit(false);
            for (String call : List.of(
                    "df.create_queue('never')",
                    "df.alter_queue('kept', concurrency => 9)",
                    "df.pause_queue('kept')",
                    "df.grant_queue('kept', 'PUBLIC')",
                    "df.drop_queue('kept')",
                    "df.define('never', 'SELECT 1')")) {
                TestDatabase.rows(session, "SELECT " + call);
                session.rollback();
            }
        }
        assertThat(app.rows("SELECT name, concurrency, paused FROM df.queues WHERE name IN ('kept', 'never')"))
                .containsExactly(List.of("kept", "1", "f"));
        assertThat(owner.value("SELECT count(*) FROM df._queue_grants g JOIN df._queues q ON q.id = g.queue WHERE"
                        + " q.name = 'kept'"))
                .isEqualTo("0");
        assertThat(app.value("SELECT count(*) FROM df.definitions")).isEqualTo("0");
        assertThat(app.await(Objects.requireNonNull(app.value(IN.formatted("'SELECT 1'", "kept"))))
                        .status())
                .isEqualTo("completed");
    }

    @Test
    void since_when_the_oldest_waits_and_how_many_are_delayed_can_be_read() throws SQLException {
        app.value("SELECT df.create_queue('ages'), df.pause_queue('ages')");
        assertThat(app.rows("SELECT oldest_waiting, delayed FROM df.queues WHERE name = 'ages'")
                        .get(0))
                .containsExactly(null, "0");
        String oldest = Objects.requireNonNull(app.value(IN.formatted("'SELECT 1'", "ages")));
        app.value(IN.formatted("'SELECT 2'", "ages"));
        String delayed = Objects.requireNonNull(app.value(
                "SELECT df.start('SELECT 3', options => '{\"queue\": \"ages\", \"start_at\": \"2199-01-01Z\"}')"));

        assertThat(app.value(
                        "SELECT concat_ws(' ', depth, delayed, oldest_waiting BETWEEN i.created_at AND i.created_at +"
                                + " interval '30 seconds') FROM df.queues, df.instances i WHERE name = 'ages' AND i.id ="
                                + " ?",
                        oldest))
                .isEqualTo("2 1 t");
        app.value("SELECT df.cancel(?), df.cancel(?)", oldest, delayed);
        app.await(oldest);
        assertThat(app.value(
                        "SELECT concat_ws(' ', depth, delayed, oldest_waiting > i.created_at) FROM df.queues,"
                                + " df.instances i WHERE name = 'ages' AND i.id = ?",
                        oldest))
                .isEqualTo("1 0 t");
    }
}
