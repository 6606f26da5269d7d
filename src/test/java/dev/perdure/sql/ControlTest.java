package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.BOB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ControlTest {

    private final SqlSurface sql = new SqlSurface();

    private String start() throws SQLException {
        return sql.text("SELECT df.start('SELECT 1')");
    }

    private void end(String id, String status) throws SQLException {
        sql.asOwner("UPDATE df.nodes SET status = 'completed', result = '{\"rows\":[],\"a\":1}' WHERE instance_id = '"
                + id + "'; UPDATE df.instances SET status = '" + status + "', completed_at = now() WHERE id = '" + id
                + "'");
    }

    @Test
    void status_and_result_are_what_the_rows_say() throws SQLException {
        String id = start();
        assertThat(sql.rows("SELECT df.status(?), df.result(?)", id, id).get(0)).containsExactly("pending", null);
        end(id, "completed");
        assertThat(sql.rows("SELECT df.status(?), df.result(?)", id, id).get(0))
                .containsExactly("completed", "{\"a\": 1, \"rows\": []}");
        assertThat(sql.rows("SELECT df.status('00000000'), df.result('00000000'), df.status(NULL)")
                        .get(0))
                .containsOnlyNulls();
    }

    @Test
    void cancel_marks_the_instance_in_the_callers_transaction() throws SQLException {
        String id = start();
        try (Connection connection = sql.database.connect(SqlSurface.ALICE)) {
            connection.setAutoCommit(false);
            TestDatabase.rows(connection, "SELECT df.cancel('" + id + "')");
            connection.rollback();
        }
        assertThat(sql.value("SELECT df.status(?)", id)).isEqualTo("pending");

        assertThat(sql.value("SELECT df.cancel(?, 'no use')", id)).isEqualTo("Instance " + id + " cancelled: no use");
        assertThat(sql.rows("SELECT status, cancel_reason, completed_at FROM df.instances WHERE id = ?", id)
                        .get(0))
                .containsExactly("cancelled", "no use", null);
        assertThat(sql.value("SELECT df.cancel(?)", id)).isEqualTo("Instance " + id + " cancelled: Cancelled by user");
        assertThat(sql.value("SELECT cancel_reason FROM df.instances WHERE id = ?", id))
                .isEqualTo("no use");
    }

    @Test
    void cancel_leaves_an_ended_instance_alone() throws SQLException {
        String id = start();
        end(id, "failed");
        assertThat(sql.value("SELECT df.cancel(?)", id)).isEqualTo("Instance " + id + " cancelled: Cancelled by user");
        assertThat(sql.value("SELECT df.status(?)", id)).isEqualTo("failed");
    }

    @Test
    void an_instance_of_somebody_else_is_as_unknown_as_one_that_is_not_there() throws SQLException {
        String id = start();
        assertThat(sql.error(BOB, "SELECT df.cancel('" + id + "')"))
                .contains("Instance not found or access denied: " + id);
        assertThat(sql.error(BOB, "SELECT df.signal('" + id + "', 'x')"))
                .contains("Instance not found or access denied: " + id);
        assertThat(sql.error(BOB, "SELECT df.await_instance('" + id + "')"))
                .contains("22000: ERROR: Failed to query status: InvalidPosition");
        assertThat(sql.database.rows(BOB, "SELECT df.status(?)", id))
                .containsExactly(java.util.Collections.singletonList(null));
        assertThat(sql.database.rows(BOB, "SELECT * FROM df.instance_info(?)", id))
                .isEmpty();
        assertThat(sql.database.rows(BOB, "SELECT * FROM df.instance_nodes(?)", id))
                .isEmpty();
        assertThat(sql.database.rows(BOB, "SELECT * FROM df.instance_executions(?)", id))
                .isEmpty();
        assertThat(sql.database.value(BOB, "SELECT df.explain(?)", id)).isEqualTo("Instance '" + id + "' not found");
    }

    @Test
    void users_change_a_status_to_cancelled_only() throws SQLException {
        String id = start();
        assertThat(sql.error("UPDATE df.instances SET status = 'completed' WHERE id = '" + id + "'"))
                .startsWith("42501");
        assertThat(sql.error("UPDATE df.nodes SET status = 'completed'")).startsWith("42501");
        assertThat(sql.error("DELETE FROM df.instances")).startsWith("42501");
        assertThat(sql.error(
                        "INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES ('00000000', '"
                                + id + "', 'SQL', 'x', 'bob')"))
                .startsWith("42501");
    }

    @Test
    void await_returns_the_terminal_status_soon_after_it_is_there() throws Exception {
        String id = start();
        CompletableFuture<String> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return sql.text("SELECT df.await_instance(?) || ' ' || extract(epoch FROM clock_timestamp())", id);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        // It looks again and again, so that the server shows it asleep.
        Awaitility.await("the waiting session")
                .until(() -> sql.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                + " AND query LIKE 'SELECT df.await_instance%' AND wait_event = 'PgSleep'")
                        .equals("1"));
        assertThat(waiting).isNotDone();
        end(id, "failed");
        double ended = Double.parseDouble(sql.text("SELECT extract(epoch FROM clock_timestamp())"));
        String[] result = waiting.get(20, TimeUnit.SECONDS).split(" ");
        assertThat(result[0]).isEqualTo("failed");
        assertThat(Double.parseDouble(result[1]) - ended).isLessThan(15);
    }

    @Test
    void await_says_what_is_wrong() throws SQLException {
        String id = start();
        assertThat(sql.error("SELECT df.await_instance('" + id + "', 1)"))
                .contains("22000: ERROR: Timeout after 1s waiting for instance " + id
                        + " (status: pending). Check if background worker is running.");
        assertThat(sql.error("SELECT df.await_instance('" + id + "', 0)")).contains("Timeout must be positive");
        assertThat(sql.error("SET df.in_workflow = 'true'; SELECT df.await_instance('" + id + "', 0)"))
                .contains(
                        "df.await_instance() cannot be called inside a workflow - it would block a worker thread (and self-deadlock");
        assertThat(sql.error("SET df.in_workflow = 'true'; SELECT df.wait_for_completion('" + id + "')"))
                .contains("df.await_instance() cannot be called inside a workflow");
    }

    @Test
    void await_in_the_transaction_of_the_start_cannot_succeed_and_says_so() {
        assertThat(sql.error("DO $$ BEGIN PERFORM df.await_instance(df.start(df.sql('SELECT 1')), 1); END $$"))
                .startsWith("22000: ERROR: Instance ")
                .contains("was started in this transaction, and runs after its COMMIT");
        assertThat(sql.error("BEGIN; SAVEPOINT s; SELECT df.await_instance(df.start('SELECT 1'))"))
                .contains("was started in this transaction");
    }

    @Test
    void await_in_a_snapshot_sees_one_status_only() throws SQLException {
        String id = start();
        try (Connection connection = sql.database.connect(SqlSurface.ALICE)) {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            TestDatabase.rows(connection, "SELECT df.status(?)", id);
            end(id, "completed");
            assertThatThrownBy(() -> TestDatabase.rows(connection, "SELECT df.await_instance(?, 1)", id))
                    .hasMessageContaining("Instance " + id + " (status: pending) cannot be waited for in a transaction"
                            + " whose isolation level is repeatable read");
            connection.rollback();
            assertThat(TestDatabase.rows(connection, "SELECT df.await_instance(?, 1)", id))
                    .containsExactly(List.of("completed"));
        }
    }

    @Test
    void await_takes_the_largest_timeout_and_a_cancelled_statement_ends_it() throws SQLException {
        String id = start();
        assertThat(sql.error("SET statement_timeout = '100ms'; SELECT df.await_instance('" + id + "', 2147483647)"))
                .startsWith("57014: ");
        assertThat(sql.error("SELECT df.await_instance('" + id + "', -2147483648)"))
                .contains("Timeout must be positive");
        assertThat(sql.error("SELECT df.await_instance('')")).contains("InvalidPosition");
        assertThat(sql.rows("SELECT df.await_instance(NULL), df.await_instance('" + id + "', NULL)")
                        .get(0))
                .containsOnlyNulls();
    }

    @Test
    void a_null_argument_of_a_strict_function_does_nothing() throws SQLException {
        String id = start();
        assertThat(sql.rows(
                                "SELECT df.cancel(?, NULL), df.setvar('null', NULL),"
                                        + " df.setvar(NULL, 'x'), df.getvar(NULL), df.unsetvar(NULL), df.explain(NULL)",
                                id)
                        .get(0))
                .containsOnlyNulls();
        assertThat(sql.value("SELECT df.status(?)", id)).isEqualTo("pending");
        assertThat(sql.value("SELECT count(*) FROM df.signals WHERE instance_id = ?", id))
                .isEqualTo("0");
        assertThat(sql.value("SELECT count(*) FROM df.vars WHERE name = 'null'"))
                .isEqualTo("0");
        assertThat(sql.value("SELECT df.run(NULL)")).isEqualTo("Triggered run for all pending instances");
    }

    @Test
    void a_signal_without_data_is_sent_and_one_without_a_name_is_an_error() throws SQLException {
        String id = start();
        assertThat(sql.value("SELECT df.signal(?, 'go', NULL)", id)).isEqualTo("OK");
        assertThat(sql.value("SELECT data FROM df.signals WHERE instance_id = ?", id))
                .isEqualTo("{}");
        assertThat(sql.error("SELECT df.signal('" + id + "', NULL)")).startsWith("22004: ");
        assertThat(sql.error("SELECT df.signal(NULL, 'go')")).startsWith("22004: ");
    }

    @Test
    void cancel_answers_the_same_in_every_status_and_changes_only_what_has_not_ended() throws SQLException {
        for (String status : List.of("pending", "running", "completed", "failed", "cancelled")) {
            String id = start();
            sql.asOwner("UPDATE df.instances SET status = '" + status + "' WHERE id = '" + id + "'");
            String before = sql.text("SELECT updated_at FROM df.instances WHERE id = ?", id);
            boolean ended = !status.equals("pending") && !status.equals("running");

            assertThat(sql.value("SELECT df.cancel(?, 'why')", id))
                    .as(status)
                    .isEqualTo("Instance " + id + " cancelled: why");

            assertThat(sql.rows(
                                    "SELECT status, cancel_reason, updated_at > ?::timestamptz, completed_at FROM df.instances WHERE id = ?",
                                    before,
                                    id)
                            .get(0))
                    .as(status)
                    .containsExactly(ended ? status : "cancelled", ended ? null : "why", ended ? "f" : "t", null);
        }
    }

    @Test
    void a_reason_that_is_too_long_is_refused_with_its_size() throws SQLException {
        String id = start();
        try (Connection connection = sql.database.connect(SqlSurface.ALICE)) {
            assertThatThrownBy(() -> TestDatabase.rows(connection, "SELECT df.cancel(?, repeat('r', 65537))", id))
                    .hasMessageContaining("instances_cancel_reason_size_chk")
                    .hasMessageContaining("cancel_reason has 65537 bytes, at most 65536 are allowed.");
        }
        assertThat(sql.value("SELECT df.status(?)", id)).isEqualTo("pending");
        sql.value("SELECT df.cancel(?, repeat('r', 65536))", id);
        assertThat(sql.value("SELECT df.status(?)", id)).isEqualTo("cancelled");
    }

    @Test
    void the_deprecated_name_warns() throws SQLException {
        String id = start();
        end(id, "completed");
        try (Connection connection = sql.database.connect(SqlSurface.ALICE);
                var statement = connection.createStatement()) {
            statement.execute("SELECT df.wait_for_completion('" + id + "')");
            assertThat(statement.getWarnings().getMessage())
                    .isEqualTo("df.wait_for_completion() is deprecated; use df.await_instance() instead");
        }
    }

    @Test
    void signals_are_rows_until_they_are_consumed() throws SQLException {
        String id = start();
        assertThat(sql.value("SELECT df.signal(?, 'go')", id)).isEqualTo("OK");
        sql.value("SELECT df.signal(?, 'go', '[1]')", id);
        sql.value("SELECT df.signal(?, 'go', 'no json')", id);
        assertThat(sql.rows("SELECT name, data, consumed_at FROM df.signals WHERE instance_id = ? ORDER BY id", id))
                .extracting(row -> row.get(0) + row.get(1) + row.get(2))
                .containsExactly("go{}null", "go[1]null", "go\"no json\"null");
        assertThat(sql.error("SELECT df.signal('', '')")).contains("Instance ID cannot be empty");
        assertThat(sql.error("SELECT df.signal('x', '')")).contains("Signal name cannot be empty");
        assertThat(sql.error("SELECT df.signal('" + id + "', 'x', '\"\\u0000\"')"))
                .contains("Failed to send signal: ");
        end(id, "completed");
        assertThat(sql.value("SELECT df.signal(?, 'late')", id)).isEqualTo("OK");
        assertThat(sql.value("SELECT count(*) FROM df.signals WHERE name = 'late'"))
                .isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"'1e999999'", "repeat('[', 100000)", "'{\"a\":1} x'", "' '", "'NaN'"})
    void signal_data_that_jsonb_cannot_hold_is_sent_as_text(String data) throws SQLException {
        String id = start();
        assertThat(sql.value("SELECT df.signal(?, 'go', " + data + ")", id)).isEqualTo("OK");
        assertThat(sql.value(
                        "SELECT jsonb_typeof(data) = 'string' AND data #>> '{}' = " + data
                                + " FROM df.signals WHERE instance_id = ?",
                        id))
                .isEqualTo("t");
    }

    @Test
    void variables_belong_to_the_effective_role() throws SQLException {
        assertThat(sql.value("SELECT df.setvar('k', '1')")).isEqualTo("OK");
        assertThat(sql.value("SELECT df.setvar('k', '2')")).isEqualTo("OK");
        assertThat(sql.value("SELECT df.getvar('k')")).isEqualTo("2");
        assertThat(sql.database.rows(BOB, "SELECT df.getvar('k')").get(0)).containsOnlyNulls();
        assertThat(sql.database.rows("postgres", "SELECT df.getvar('k')").get(0))
                .containsOnlyNulls();
        assertThat(sql.value("SELECT df.unsetvar('absent')")).isEqualTo("OK");
        assertThat(sql.value("SELECT df.clearvars()")).isEqualTo("OK");
        assertThat(sql.rows("SELECT df.getvar('k')").get(0)).containsOnlyNulls();
    }

    @Test
    void variables_are_not_changed_inside_a_workflow() throws SQLException {
        for (String call : List.of("setvar('a', 'b')", "unsetvar('a')", "clearvars()")) {
            assertThat(sql.error("SET df.in_workflow = 'true'; SELECT df." + call))
                    .contains("df." + call.replaceAll("\\(.*", "") + "() cannot be called inside a workflow - ");
        }
        assertThat(sql.valueWith("SET df.in_workflow = 'true'", "SELECT df.getvar('a')"))
                .isNull();
        assertThat(sql.error("SET df.in_workflow = 'true'; SELECT df.start('q', transaction_mode => 'new')"))
                .contains("cannot be called inside a workflow");
    }

    @Test
    void small_functions_say_what_they_should() throws SQLException {
        assertThat(sql.value("SELECT df.version()")).matches("perdure \\S.*");
        assertThat(sql.value("SELECT df.target_database()")).isEqualTo(sql.database.name());
        assertThat(sql.value("SELECT df.run()")).isEqualTo("Triggered run for all pending instances");
        assertThat(sql.value("SELECT df.run('x')")).isEqualTo("Triggered run for instance: x");
    }
}
