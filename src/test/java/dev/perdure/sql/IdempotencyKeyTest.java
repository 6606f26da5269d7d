package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static dev.perdure.sql.SqlSurface.BOB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLWarning;

/** {@code df.start(…, options => '{"idempotency_key": …}')}: one instance for a key and a submitter. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdempotencyKeyTest {

    private final SqlSurface sql = new SqlSurface();

    private static String start(String text, String key) {
        return "SELECT df.start('" + text + "', options => '{\"idempotency_key\": \"" + key + "\"}')";
    }

    private static String start(Connection connection, String key) throws SQLException {
        return TestDatabase.rows(connection, start("SELECT 1", key)).get(0).get(0);
    }

    private String instancesOf(String key) throws SQLException {
        return sql.text("SELECT count(*) FROM df.instances WHERE idempotency_key = ?", key);
    }

    @Test
    void the_same_key_gives_the_same_instance_whatever_else_the_call_says() throws SQLException {
        String id = sql.text(start("SELECT 1", "again"));

        assertThat(sql.text(start("SELECT 1", "again"))).isEqualTo(id);
        assertThat(sql.text("SELECT df.start('SELECT 2' ~> 'SELECT 3', 'another label', current_database(),"
                        + " options => '{\"idempotency_key\": \"again\", \"vars\": {\"v\": 1}}')"))
                .isEqualTo(id);
        assertThat(sql.rows("SELECT label, vars FROM df.instances WHERE id = ?", id))
                .containsExactly(Arrays.asList(null, null));
        assertThat(sql.rows("SELECT query FROM df.nodes WHERE instance_id = ?", id))
                .containsExactly(List.of("SELECT 1"));
    }

    @Test
    void an_instance_that_has_ended_still_holds_its_key() throws SQLException {
        String id = sql.text(start("SELECT 1", "ended"));
        sql.asOwner("UPDATE df.instances SET status = 'failed' WHERE id = '" + id + "'");

        assertThat(sql.text(start("SELECT 1", "ended"))).isEqualTo(id);
    }

    @Test
    void a_start_under_the_key_of_an_ended_instance_says_so_and_how_to_free_it() throws SQLException {
        String id = sql.text(start("SELECT 1", "it''s over"));
        try (Connection connection = sql.database.connect(ALICE);
                Statement statement = connection.createStatement()) {
            statement.execute(start("SELECT 1", "it''s over"));
            assertThat((Object) statement.getWarnings())
                    .as("as long as it runs")
                    .isNull();
            sql.asOwner("UPDATE df.instances SET status = 'failed' WHERE id = '" + id + "'");
            statement.execute(start("SELECT 1", "it''s over"));
            assertThat(statement.getWarnings().getMessage())
                    .isEqualTo("Nothing is started: instance " + id
                            + " was started under the idempotency key 'it''s over', and is failed");
            assertThat(((PSQLWarning) statement.getWarnings())
                            .getServerErrorMessage()
                            .getHint())
                    .startsWith("SELECT df.free_idempotency_key('it''s over');");
        }
    }

    @Test
    void the_key_of_an_ended_instance_can_be_freed_by_its_submitter_and_by_nobody_else() throws SQLException {
        String id = sql.text(start("SELECT 1", "freed"));
        assertThat(sql.error("SELECT df.free_idempotency_key('freed')"))
                .contains("Instance " + id + " holds the idempotency key 'freed' and has not ended (status: pending)");
        sql.asOwner("UPDATE df.instances SET status = 'cancelled' WHERE id = '" + id + "'");
        assertThat(sql.database.value(BOB, "SELECT df.free_idempotency_key('freed')"))
                .isNull();
        assertThatThrownBy(() -> sql.database.execute(
                        BOB, "INSERT INTO df._freed_keys VALUES ('" + id + "', '" + ALICE + "'::regrole)"))
                .hasMessageContaining("row-level security");
        sql.database.execute(BOB, "INSERT INTO df._freed_keys VALUES ('" + id + "', '" + BOB + "'::regrole)");
        assertThat(instancesOf("freed")).isEqualTo("1");

        assertThat(sql.text("SELECT df.free_idempotency_key('freed')")).isEqualTo(id);

        assertThat(instancesOf("freed")).isEqualTo("0");
        assertThat(sql.database.value(ALICE, "SELECT df.free_idempotency_key('freed')"))
                .isNull();
        assertThat(sql.text(start("SELECT 1", "freed"))).isNotEqualTo(id);
        assertThat(sql.database.value(PostgresServer.OWNER, "SELECT count(*) FROM df._freed_keys"))
                .isEqualTo("0");
    }

    @Test
    void a_key_can_be_freed_where_all_tables_are_published() throws SQLException {
        String id = sql.text(start("SELECT 1", "published"));
        sql.asOwner("UPDATE df.instances SET status = 'cancelled' WHERE id = '" + id + "'");
        sql.database.asSuperuser("CREATE PUBLICATION everything FOR ALL TABLES");
        try {
            assertThat(sql.text("SELECT df.free_idempotency_key('published')")).isEqualTo(id);
        } finally {
            sql.database.asSuperuser("DROP PUBLICATION everything");
        }
    }

    @Test
    void an_instance_that_was_deleted_gives_its_key_back() throws SQLException {
        String id = sql.text(start("SELECT 1", "deleted"));
        sql.asOwner("DELETE FROM df._inbox WHERE instance_id = '" + id + "'; DELETE FROM df.instances WHERE id = '" + id
                + "'");

        assertThat(sql.text(start("SELECT 1", "deleted"))).isNotEqualTo(id);
    }

    @Test
    void different_keys_and_no_key_start_instances_of_their_own() throws SQLException {
        assertThat(List.of(
                        sql.text(start("SELECT 1", "one")),
                        sql.text(start("SELECT 1", "One")),
                        sql.text("SELECT df.start('SELECT 1', options => '{}')"),
                        sql.text("SELECT df.start('SELECT 1', options => '{}')")))
                .doesNotHaveDuplicates();
    }

    @Test
    void each_submitter_has_keys_of_its_own() throws SQLException {
        String mine = sql.text(start("SELECT 1", "shared"));
        String theirs = sql.database.value(BOB, start("SELECT 1", "shared"));

        assertThat(theirs).isNotEqualTo(mine);
        assertThat(sql.database.value(BOB, start("SELECT 1", "shared"))).isEqualTo(theirs);
        assertThat(sql.text(start("SELECT 1", "shared"))).isEqualTo(mine);
    }

    @Test
    void the_second_call_of_one_transaction_finds_the_first() throws SQLException {
        try (Connection connection = sql.database.connect(ALICE)) {
            connection.setAutoCommit(false);
            String id = start(connection, "twice");
            assertThat(start(connection, "twice")).isEqualTo(id);
            connection.rollback();
        }
        assertThat(instancesOf("twice")).isEqualTo("0");
    }

    /** Starts in a thread while another session holds the key, and waits until it is blocked. */
    private CompletableFuture<String> startBlocked(Connection connection, String key) throws SQLException {
        String pid =
                TestDatabase.rows(connection, "SELECT pg_backend_pid()").get(0).get(0);
        CompletableFuture<String> second = CompletableFuture.supplyAsync(() -> {
            try {
                return start(connection, key);
            } catch (SQLException e) {
                throw new IllegalStateException(e.getSQLState(), e);
            }
        });
        Awaitility.await("the second start waits").until(() -> "Lock"
                .equals(sql.database.value(
                        "postgres", "SELECT wait_event_type FROM pg_stat_activity WHERE pid = " + pid)));
        return second;
    }

    @Test
    void a_start_that_meets_an_uncommitted_one_waits_and_returns_its_instance() throws Exception {
        try (Connection first = sql.database.connect(ALICE);
                Connection other = sql.database.connect(ALICE)) {
            first.setAutoCommit(false);
            String id = start(first, "race");
            CompletableFuture<String> second = startBlocked(other, "race");
            first.commit();

            assertThat(second.get(60, TimeUnit.SECONDS)).isEqualTo(id);
            assertThat(instancesOf("race")).isEqualTo("1");
        }
    }

    @Test
    void a_start_that_meets_one_that_is_rolled_back_starts_its_own() throws Exception {
        try (Connection first = sql.database.connect(ALICE);
                Connection other = sql.database.connect(ALICE)) {
            first.setAutoCommit(false);
            String id = start(first, "given up");
            CompletableFuture<String> second = startBlocked(other, "given up");
            first.rollback();

            assertThat(second.get(60, TimeUnit.SECONDS)).isNotEqualTo(id);
            assertThat(instancesOf("given up")).isEqualTo("1");
        }
    }

    @Test
    void a_repeatable_read_transaction_that_cannot_see_the_instance_has_to_be_repeated() throws Exception {
        try (Connection other = sql.database.connect(ALICE)) {
            other.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            other.setAutoCommit(false);
            TestDatabase.rows(other, "SELECT count(*) FROM df.instances");
            String id = sql.text(start("SELECT 1", "snapshot"));

            assertThat(sqlState(other, "snapshot")).isEqualTo("40001");
            other.rollback();
            assertThat(start(other, "snapshot")).isEqualTo(id);
        }
    }

    private static String sqlState(Connection connection, String key) {
        try {
            return "no error, but " + start(connection, key);
        } catch (SQLException e) {
            return e.getSQLState();
        }
    }

    @Test
    void many_sessions_that_start_at_once_get_one_instance_for_each_key() throws Exception {
        int sessions = 8;
        int keys = 40;
        ExecutorService threads = Executors.newFixedThreadPool(sessions);
        try {
            List<Callable<List<String>>> calls = new ArrayList<>();
            for (int i = 0; i < sessions; i++) {
                calls.add(() -> {
                    List<String> ids = new ArrayList<>();
                    try (Connection connection = sql.database.connect(ALICE)) {
                        for (int key = 0; key < keys; key++) {
                            ids.add(start(connection, "storm " + key));
                        }
                    }
                    return ids;
                });
            }
            List<Future<List<String>>> answers = threads.invokeAll(calls);
            List<String> expected = answers.get(0).get();

            assertThat(expected).doesNotHaveDuplicates().hasSize(keys);
            for (Future<List<String>> answer : answers) {
                assertThat(answer.get()).isEqualTo(expected);
            }
            assertThat(sql.text("SELECT count(*) FROM df.instances WHERE idempotency_key LIKE 'storm %'"))
                    .isEqualTo(Integer.toString(keys));
        } finally {
            threads.shutdownNow();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"\"", "null", "7", "[\"k\"]", "{}", "true"})
    void a_key_that_is_no_text_is_refused(String json) throws SQLException {
        assertThat(sql.error("SELECT df.start('q', options => '{\"idempotency_key\": " + json + "}')"))
                .contains("option idempotency_key of df.start() must be a string of 1 to 255 characters");
    }

    @Test
    void the_longest_key_works_and_a_longer_one_is_refused() throws SQLException {
        String id = sql.text(start("SELECT 1", "😀".repeat(255)));

        assertThat(sql.text(start("SELECT 1", "😀".repeat(255)))).isEqualTo(id);
        assertThat(sql.error(start("SELECT 1", "k".repeat(256)))).contains("1 to 255 characters");
    }

    @Test
    void a_key_cannot_be_put_on_an_instance_later() throws SQLException {
        String id = sql.text("SELECT df.start('SELECT 1')");

        assertThat(sql.error("UPDATE df.instances SET idempotency_key = 'mine' WHERE id = '" + id + "'"))
                .startsWith("42501");
    }
}
