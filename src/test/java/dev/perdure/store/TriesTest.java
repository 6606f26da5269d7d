package dev.perdure.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.maintenance.Census;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is on record of instances that leaders take over, and which are set aside. */
class TriesTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private long epoch;
    private String instance;

    @BeforeEach
    void begin() throws SQLException {
        database.createUser("tries_app");
        instance = database.value("tries_app", "SELECT df.start('SELECT 1' ~> 'SELECT 2')");
        nextTerm();
    }

    private void nextTerm() throws SQLException {
        epoch = Long.parseLong(value("SELECT epoch FROM df._begin_term()"));
    }

    private String value(String sql, Object... parameters) throws SQLException {
        return String.valueOf(database.value(PostgresServer.OWNER, sql, parameters));
    }

    private void takesOver() throws SQLException {
        value("SELECT df._try(?, ARRAY[?])", epoch, instance);
    }

    private List<String> suspects(long survived) throws SQLException {
        List<String> suspects = new ArrayList<>();
        database.rows(PostgresServer.OWNER, "SELECT * FROM df._suspects(?, ?)", epoch, survived)
                .forEach(row -> suspects.add(String.join(" ", row)));
        return suspects;
    }

    /** A term that takes over and ends with its process. */
    private List<String> die(long survived) throws SQLException {
        nextTerm();
        List<String> suspects = suspects(survived);
        takesOver();
        return suspects;
    }

    private long loaded() throws SQLException {
        return Long.parseLong(value("SELECT count(*) FROM df._load(ARRAY[?], 1000000, 1000000)", instance));
    }

    private void setAside() throws SQLException {
        takesOver();
        die(0);
        nextTerm();
        assertThat(suspects(0)).containsExactly(instance + " 2 t");
    }

    @Test
    void two_leaders_that_end_within_seconds() throws SQLException {
        takesOver();
        takesOver();
        assertThat(die(0)).containsExactly(instance + " 1 f");
        nextTerm();
        assertThat(suspects(0)).containsExactly(instance + " 2 t");
        assertThat(loaded()).isZero();
        assertThat(suspects(0)).as("is told once").isEmpty();
        nextTerm();
        assertThat(suspects(0)).isEmpty();
        takesOver();
        assertThat(value("SELECT tries FROM df._tries")).isEqualTo("2");
    }

    @Test
    void a_term_that_lasts_five_seconds_more_makes_no_suspect_but_five_of_them_do() throws SQLException {
        for (int i = 1; i <= 5; i++) {
            nextTerm();
            assertThat(suspects(0)).isEmpty();
            takesOver();
            value("UPDATE df._tries SET tried_at = tried_at - interval '6 seconds' RETURNING 1");
            value("SELECT df._survived(?, false)", epoch);
        }
        nextTerm();
        assertThat(suspects(0)).containsExactly(instance + " 5 t");
    }

    @Test
    void a_term_that_ends_in_order_or_whose_process_lives_does_not_count() throws SQLException {
        takesOver();
        value("SELECT df._survived(?, true)", epoch);
        assertThat(die(0)).isEmpty();
        long survived = epoch;
        assertThat(die(survived)).isEmpty();
        assertThat(value("SELECT tries || ' ' || quick FROM df._tries")).isEqualTo("1 1");
    }

    @Test
    void whoever_gets_somewhere_begins_to_count_anew() throws SQLException {
        takesOver();
        value(
                "INSERT INTO df._checkpoints (instance_id, version, bytes, state) VALUES (?, 1, 2, '{}') RETURNING 1",
                instance);
        assertThat(die(0)).isEmpty();
        assertThat(die(0)).containsExactly(instance + " 1 f");
    }

    @Test
    void what_has_ended_is_forgotten() throws SQLException {
        takesOver();
        value("DELETE FROM df._inbox RETURNING 1");
        value("SELECT df._survived(?, false)", epoch);
        assertThat(value("SELECT count(*) FROM df._tries")).isEqualTo("0");
    }

    @Test
    void a_former_term_notes_nothing() throws SQLException {
        long former = epoch;
        nextTerm();
        assertThatThrownBy(() -> value("SELECT df._try(?, ARRAY[?])", former, instance))
                .hasMessageContaining("is over");
        assertThatThrownBy(() -> value("SELECT df._survived(?, false)", former)).hasMessageContaining("is over");
        assertThat(value("SELECT count(*) FROM df._tries")).isEqualTo("0");
    }

    @Test
    void its_user_sees_it_and_can_cancel_it() throws SQLException {
        setAside();
        assertThat(database.rows(
                        "tries_app",
                        "SELECT n.status_details #>> '{set_aside,reason}' FROM df.nodes n JOIN df.instances i"
                                + " ON i.id = n.instance_id ORDER BY n.id = i.root_node DESC"))
                .extracting(row -> row.get(0))
                .containsExactly("2 workers in succession ended while they worked on this instance", null, null);
        assertThat(database.value("tries_app", "SELECT df.status(?)", instance)).isEqualTo("running");
        assertThat(database.value("tries_app", "SELECT df.explain(?)", instance))
                .containsPattern(
                        "\nAside:    2 workers in succession ended while they worked on this instance, since 20[0-9-]+ [0-9:+]+\n"
                                + "          df.resume lets it go on\n");
        assertThat(counted()).isEqualTo(1);

        database.value("tries_app", "SELECT df.cancel(?, 'enough')", instance);

        assertThat(database.rows("tries_app", "SELECT status, output FROM df.instances"))
                .containsExactly(List.of("cancelled", "canceled: enough"));
        assertThat(value("SELECT (SELECT count(*) FROM df._inbox) + (SELECT count(*) FROM df._cancels)"
                        + " + (SELECT count(*) FROM df._tries)"))
                .as("no worker has to wind it up")
                .isEqualTo("0");
    }

    private long counted() throws SQLException {
        try (Connection connection = database.connect(PostgresServer.OWNER)) {
            return Census.setAside(connection);
        }
    }

    @Test
    void the_owner_lets_it_go_on_and_nobody_else_does() throws SQLException {
        setAside();
        String snapshot = value("SELECT detail FROM df._news(?, NULL, 10, 100000)", epoch);
        assertThatThrownBy(() -> database.value("tries_app", "SELECT df.resume(?)", instance))
                .hasMessageContaining("permission denied");

        assertThat(value("SELECT df.resume(?)", instance)).isEqualTo("Instance " + instance + " goes on");

        assertThat(value("SELECT instance_id FROM df._news(?, ?, 10, 100000) WHERE kind = 'loaded'", epoch, snapshot))
                .isEqualTo(instance);
        assertThat(loaded()).isOne();
        assertThat(counted()).isZero();
        assertThat(database.value("tries_app", "SELECT df.explain(?)", instance))
                .doesNotContain("Aside:");
        assertThatThrownBy(() -> value("SELECT df.resume(?)", instance)).hasMessageContaining("is not set aside");
    }

    @Test
    void one_that_is_being_cancelled_is_left_to_that() throws SQLException {
        takesOver();
        die(0);
        nextTerm();
        try (var session = database.connect("tries_app")) {
            session.setAutoCommit(false);
            TestDatabase.rows(session, "SELECT df.cancel(?)", instance);
            assertThat(suspects(0)).containsExactly(instance + " 2 f");
            session.commit();
        }
        nextTerm();
        assertThat(suspects(0)).containsExactly(instance + " 2 f");
        assertThat(loaded()).isOne();
    }
}
