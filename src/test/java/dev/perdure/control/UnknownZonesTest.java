package dev.perdure.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.perdure.engine.InProcessWorker;
import dev.perdure.flow.cron.TimeZones;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A time zone that the server knows and the leading worker does not is refused before anything depends on it. */
class UnknownZonesTest {

    private static final String OWNER = PostgresServer.OWNER;
    private static final String BY_HAND =
            "'{\"node_type\":\"WAIT_SCHEDULE\",\"query\":\"{\\\"cron_expr\\\":\\\"@daily\\\",\\\"timezone\\\":\\\"Asia/Tokyo\\\"}\"}'";

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private Connection app;
    private Connection leader;

    @BeforeEach
    void connect() throws SQLException {
        database.createUser("zone_app");
        app = database.connect("zone_app");
        leader = database.connect(OWNER);
    }

    @AfterEach
    void close() throws SQLException {
        app.close();
        leader.close();
    }

    private long nextTerm() throws SQLException {
        return Long.parseLong(String.valueOf(database.value(OWNER, "SELECT epoch FROM df._begin_term()")));
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = app.createStatement()) {
            statement.execute(sql);
        }
    }

    private String unknown() throws SQLException {
        return String.valueOf(database.value(OWNER, "SELECT unknown_zones FROM df._worker_epoch"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT df.wait_for_schedule('@daily', 'asia/tokyo')",
                "SELECT df.start(" + BY_HAND + ")",
                "SELECT df.start(df.seq('SELECT 1', " + BY_HAND + "))",
                "SELECT df.define('tokyo', " + BY_HAND + ")",
                "SELECT df.create_schedule('late', '@daily', 'SELECT 1', 'Asia/Tokyo')",
                "SELECT df.alter_schedule('there', timezone => 'Asia/Tokyo')"
            })
    void is_refused(String call) throws SQLException {
        execute("SELECT df.create_schedule('there', '@daily', 'SELECT 1', 'Europe/Berlin')");
        UnknownZones.tell(leader, nextTerm(), name -> !name.equals("Asia/Tokyo"));

        assertThatThrownBy(() -> execute(call))
                .hasMessageContaining("time zone 'Asia/Tokyo'")
                .hasMessageContaining("the worker's time zone data are older than the server's")
                .hasMessageContaining("tzdata")
                .isInstanceOf(SQLException.class);
        execute("SELECT df.start(df.wait_for_schedule('@daily', 'Europe/Berlin'))");
    }

    @Test
    void is_accepted_once_a_worker_leads_that_knows_it() throws SQLException {
        UnknownZones.tell(leader, nextTerm(), name -> !name.startsWith("Asia/"));
        long next = nextTerm();
        // The worker that leads now has not compared its own yet.
        assertThatThrownBy(() -> execute("SELECT df.wait_for_schedule('@daily', 'Asia/Tokyo')"))
                .isInstanceOf(SQLException.class);

        UnknownZones.tell(leader, next, name -> !name.equals("Asia/Seoul"));

        execute("SELECT df.start(df.wait_for_schedule('@daily', 'Asia/Tokyo'))");
        assertThat(unknown()).isEqualTo("{Asia/Seoul}");
    }

    @Test
    void is_not_said_by_a_worker_whose_term_is_over() throws SQLException {
        long before = nextTerm();
        nextTerm();

        assertThatThrownBy(() -> UnknownZones.tell(leader, before, name -> false))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("DF002"));
        assertThat(unknown()).isEqualTo("{}");
    }

    @Test
    void is_compared_by_each_worker_that_begins_to_lead() throws SQLException {
        nextTerm();
        database.execute(OWNER, "UPDATE df._worker_epoch SET unknown_zones = '{Asia/Tokyo}'");
        List<String> expected = database
                .rows(
                        OWNER,
                        "SELECT name FROM pg_timezone_names WHERE df._timezone(name) = name AND name !~ '^(posix|right)/' ORDER BY 1")
                .stream()
                .map(row -> String.valueOf(row.get(0)))
                .filter(name -> !TimeZones.isKnown(name))
                .toList();

        try (InProcessWorker worker = InProcessWorker.start(database)) {
            await().until(() -> unknown().equals("{" + String.join(",", expected) + "}"));
            execute("SELECT df.start(df.wait_for_schedule('@daily', 'Asia/Tokyo'))");
            assertThat(worker.leaderStatus().epoch()).isPositive();
        }
    }
}
