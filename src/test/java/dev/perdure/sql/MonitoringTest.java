package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MonitoringTest {

    private final SqlSurface sql = new SqlSurface();

    @BeforeEach
    void nothing_is_there() throws SQLException {
        sql.asOwner(
                "DELETE FROM df.settings; BEGIN; DELETE FROM df._nodes; DELETE FROM df._checkpoints; DELETE FROM df._inbox;"
                        + " DELETE FROM df.instances; COMMIT");
    }

    /** Eleven nodes' worth of stamps are tedious by hand: nodes are named by their query, "scope" stands for the instance. */
    private void mark(String id, String query, String status, String stamp) throws SQLException {
        sql.asOwner("UPDATE df.nodes n SET status = '" + status + "', status_details = CASE WHEN '" + stamp
                + "' <> '' THEN jsonb_build_object('execution_id', replace('" + stamp
                + "', 'loop', coalesce((SELECT l.id FROM df.nodes l"
                + " WHERE l.instance_id = n.instance_id AND l.node_type = 'LOOP'), ''))) END WHERE instance_id = '" + id
                + "' AND (query = '" + query + "' OR node_type = '" + query + "')");
    }

    private String inferred(String id, String query) throws SQLException {
        return sql.text(
                "SELECT n.inferred_status || coalesce(' from ' || a.node_type, '') FROM df.instance_nodes(?) n LEFT JOIN df.nodes a"
                        + " ON a.instance_id = ? AND a.id = n.inferred_status_from_ancestor_id WHERE n.query = ? OR n.node_type = ?",
                id,
                id,
                query,
                query);
    }

    @Test
    void a_branch_that_was_not_taken_is_skipped_once_its_parent_has_ended() throws SQLException {
        String id = sql.text("SELECT df.start(df.\"if\"('c', 't', 'e'))");
        mark(id, "c", "completed", id + "::1");
        mark(id, "t", "completed", id + "::1");
        assertThat(inferred(id, "e")).isEqualTo("pending");
        mark(id, "IF", "completed", id + "::1");
        assertThat(inferred(id, "e")).isEqualTo("skipped from IF");
        assertThat(inferred(id, "t")).isEqualTo("completed");
        assertThat(inferred(id, "IF")).isEqualTo("completed");
    }

    @Test
    void the_loser_of_a_race_is_skipped_although_its_row_says_running() throws SQLException {
        String id = sql.text("SELECT df.start(df.race('fast', 'slow'))");
        mark(id, "slow", "running", "");
        assertThat(inferred(id, "slow")).isEqualTo("running");
        mark(id, "fast", "completed", "");
        mark(id, "RACE", "completed", id + "::1");
        assertThat(inferred(id, "slow")).isEqualTo("skipped from RACE");
    }

    @Test
    void what_an_earlier_round_left_counts_as_pending() throws SQLException {
        String id = sql.text("SELECT df.start(df.loop('a' ~> 'b'))");
        mark(id, "LOOP", "running", id + "::2");
        mark(id, "a", "running", id + "::2");
        mark(id, "b", "completed", id + "::1");
        assertThat(inferred(id, "a")).isEqualTo("running");
        assertThat(inferred(id, "b")).isEqualTo("pending from LOOP");
    }

    @Test
    void what_an_earlier_round_left_is_skipped_below_a_loop_that_has_ended() throws SQLException {
        String id = sql.text("SELECT df.start('x' ~> df.loop(df.seq('a', 'b')))");
        mark(id, "a", "completed", id + "::1::loop::2");
        mark(id, "b", "completed", id + "::1::loop::1");
        assertThat(inferred(id, "b")).isEqualTo("pending");
        mark(id, "LOOP", "completed", id + "::1::loop::2");
        assertThat(inferred(id, "b")).isEqualTo("skipped from LOOP");
        assertThat(inferred(id, "a")).isEqualTo("completed");
    }

    @Test
    void a_scope_falls_with_the_round_that_made_it() throws SQLException {
        String id = sql.text("SELECT df.start(df.loop('a' ~> 'b'))");
        mark(id, "b", "completed", id + "::1::0000abcd::5");
        mark(id, "a", "completed", id + "::2");
        assertThat(inferred(id, "b")).isEqualTo("pending");
    }

    @Test
    void stamps_that_cannot_be_read_supersede_nothing() throws SQLException {
        String id = sql.text("SELECT df.start('a' ~> 'b')");
        mark(id, "a", "completed", id + "::x");
        mark(id, "b", "completed", "nonsense");
        assertThat(inferred(id, "a")).isEqualTo("completed");
        assertThat(inferred(id, "b")).isEqualTo("completed");
    }

    @Test
    void rows_that_users_linked_in_a_circle_come_to_an_end() throws SQLException {
        String id = "c1c1c1c1";
        sql.database.execute(
                ALICE,
                "BEGIN; INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('c1c1c1c1', '00000001', 'alice');"
                        + " INSERT INTO df.nodes (id, instance_id, node_type, query, left_node, right_node, submitted_by) VALUES"
                        + " ('00000001', 'c1c1c1c1', 'THEN', NULL, '00000001', '00000001', 'alice'),"
                        + " ('00000002', 'c1c1c1c1', 'SQL', 'a', NULL, NULL, 'alice'); COMMIT");
        assertThat(sql.value("SELECT count(*) FROM df.instance_nodes(?)", id)).isEqualTo("2");
        assertThat(sql.text("SELECT df.explain(?)", id)).startsWith("Instance: ");
        assertThat(inferred(id, "a")).isEqualTo("pending");
    }

    @Test
    void thousands_of_nodes_are_no_trouble() throws SQLException {
        String id = sql.text(
                "SELECT df.start('{\"node_type\":\"JOIN\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"l\"},"
                        + "\"right_node\":{\"node_type\":\"SQL\",\"query\":\"r\"},\"extra_nodes\":[' || (SELECT string_agg(df.sql(i::text), ',')"
                        + " FROM generate_series(1, 3000) i) || ']}')");
        assertThat(sql.value("SELECT count(*) FROM df.instance_nodes(?) WHERE inferred_status = 'pending'", id))
                .isEqualTo("3003");
    }

    @Test
    void the_older_form_of_instance_nodes_infers_nothing() throws SQLException {
        String id = sql.text("SELECT df.start('a')");
        List<String> row = sql.rows("SELECT * FROM df.instance_nodes(?, 7)", id).get(0);
        assertThat(row.get(0)).isEqualTo("1");
        assertThat(row.subList(2, 9)).containsExactly("SQL", "a", null, null, null, "pending", null);
    }

    @Test
    void lists_the_newest_first_with_filters() throws SQLException {
        String a = sql.text("SELECT df.start('a', 'x')");
        String b = sql.text("SELECT df.start('b', 'y')");
        sql.value("SELECT df.cancel(?)", a);
        assertThat(
                        sql.rows(
                                "SELECT instance_id, label, function_name, status, execution_count, output FROM df.list_instances()"))
                .containsExactly(
                        java.util.Arrays.asList(
                                b, "y", "pg_durable::orchestration::execute-function-graph", "pending", "1", null),
                        java.util.Arrays.asList(
                                a,
                                "x",
                                "pg_durable::orchestration::execute-function-graph",
                                "cancelled",
                                "1",
                                "canceled: Cancelled by user"));
        assertThat(sql.rows("SELECT instance_id FROM df.list_instances('cancelled')"))
                .containsExactly(List.of(a));
        assertThat(sql.rows("SELECT instance_id FROM df.list_instances(NULL, 1)"))
                .containsExactly(List.of(b));
        assertThat(sql.rows("SELECT instance_id FROM df.list_instances(NULL, 10, 'x')"))
                .containsExactly(List.of(a));
        assertThat(sql.database.rows(SqlSurface.BOB, "SELECT * FROM df.list_instances()"))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTC", "Asia/Kolkata", "America/St_Johns"})
    void pages_follow_each_other_without_gap_or_repetition(String zone) throws SQLException {
        // seven in one transaction have the same created_at
        sql.value("SELECT count(df.start(i::text)) FROM generate_series(1, 7) i");
        sql.value("SELECT count(df.start(i::text)) FROM generate_series(1, 4) i");
        List<String> seen = new ArrayList<>();
        String cursor = null;
        int pages = 0;
        do {
            String page = "SELECT instance_id, next_cursor FROM df.list_instances(NULL, 4, NULL, "
                    + (cursor == null ? "NULL" : "'" + cursor.toUpperCase(java.util.Locale.ROOT) + "'") + ")";
            List<List<String>> rows;
            try (var connection = sql.database.connect(ALICE);
                    var statement = connection.createStatement()) {
                statement.execute("SET TimeZone = '" + zone + "'");
                rows = dev.perdure.testing.TestDatabase.rows(connection, page);
            }
            rows.forEach(row -> seen.add(row.get(0)));
            cursor = rows.get(0).get(1);
            pages++;
        } while (cursor != null);
        assertThat(pages).isEqualTo(3);
        assertThat(seen).hasSize(11).doesNotHaveDuplicates();
        assertThat(sql.rows("SELECT id FROM df.instances ORDER BY created_at DESC, id"))
                .extracting(row -> row.get(0))
                .isEqualTo(seen);
    }

    @Test
    void a_cursor_is_the_place_of_the_last_row() throws SQLException {
        sql.value("SELECT count(df.start(i::text)) FROM generate_series(1, 2) i");
        List<String> row = sql.rows("SELECT instance_id, next_cursor FROM df.list_instances(NULL, 1, NULL)")
                .get(0);
        assertThat(new String(HexFormat.of().parseHex(row.get(1)), StandardCharsets.UTF_8))
                .matches("v1\\|\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}[+-]\\d\\d(:\\d\\d)?\\|" + row.get(0));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "abc",
                "zz",
                "ff",
                "76317c",
                "76327c323032362d30312d30315430303a30303a30302e3030303030302b30307c61",
                "76317c323032362d30312d30317c61",
                "76317c323032362d30312d30315430303a30303a30302e3030303030302b30307c"
            })
    void a_cursor_that_is_none_is_refused(String cursor) {
        assertThat(sql.error("SELECT * FROM df.list_instances(NULL, 1, NULL, '" + cursor + "')"))
                .contains("22023: ERROR: df.list_instances: invalid after_cursor");
    }

    @Test
    void a_cursor_with_an_impossible_time_gets_the_servers_error() {
        String cursor = HexFormat.of().formatHex("v1|2026-13-01T00:00:00.000000+00|a".getBytes(StandardCharsets.UTF_8));
        assertThat(sql.error("SELECT * FROM df.list_instances(NULL, 1, NULL, '" + cursor + "')"))
                .startsWith("22008");
    }

    @Test
    void row_limits_are_checked() throws SQLException {
        for (String form : List.of("NULL, %s", "NULL, %s, NULL")) {
            assertThat(sql.error("SELECT * FROM df.list_instances(" + form.formatted("NULL::int") + ")"))
                    .contains("argument 1 must not be null");
            assertThat(sql.error("SELECT * FROM df.list_instances(" + form.formatted("0") + ")"))
                    .contains("limit_count must be at least 1");
            assertThat(sql.error("SELECT * FROM df.list_instances(" + form.formatted("1001") + ")"))
                    .contains(
                            "df.list_instances: limit_count (1001) exceeds pg_durable.list_instances_max_limit (1000); request fewer rows, or"
                                    + " use the paginated df.list_instances overload (after_cursor/next_cursor) for large result sets");
            assertThat(sql.rows("SELECT * FROM df.list_instances(" + form.formatted("1000") + ")"))
                    .isEmpty();
        }
        sql.asOwner("INSERT INTO df.settings VALUES ('list_instances_max_limit', '5000')");
        assertThat(sql.rows("SELECT * FROM df.list_instances(NULL, 5000)")).isEmpty();
    }

    @Test
    void instance_info_tells_why_it_failed() throws SQLException {
        String id = sql.text("SELECT df.start('a', 'l')");
        sql.asOwner("UPDATE df.instances SET status = 'failed', output = 'boom' WHERE id = '" + id + "'");
        assertThat(sql.rows("SELECT * FROM df.instance_info(?)", id).get(0))
                .containsExactly(
                        id, "l", "pg_durable::orchestration::execute-function-graph", "1.0.0", "1", "failed", "boom");
    }

    @Test
    void executions_are_listed_with_the_newest_first() throws SQLException {
        String id = sql.text("SELECT df.start('a')");
        sql.asOwner(
                "INSERT INTO df.executions (instance_id, execution_id, started_at, ended_at, event_count, output) SELECT '"
                        + id
                        + "', i, now(), now(), i, 'o' || i FROM generate_series(1, 2) i; UPDATE df.instances SET execution_count = 3, status = 'completed',"
                        + " output = 'end', completed_at = now() + interval '2 seconds' WHERE id = '" + id + "'");
        assertThat(sql.rows("SELECT * FROM df.instance_executions(?)", id))
                .containsExactly(
                        List.of("3", "Completed", "0", "2000", "end"),
                        List.of("2", "ContinuedAsNew", "2", "0", "o2"),
                        List.of("1", "ContinuedAsNew", "1", "0", "o1"));
        assertThat(sql.rows("SELECT * FROM df.instance_executions(?, 1)", id)).hasSize(1);
        assertThat(sql.error("SELECT * FROM df.instance_executions('" + id + "', 0)"))
                .contains("limit_count must be at least 1");
    }

    @Test
    void what_an_earlier_round_left_is_no_event_of_the_current_one() throws SQLException {
        String id = sql.text("SELECT df.start(df.loop('a' ~> 'b'))");
        sql.asOwner("INSERT INTO df.executions (instance_id, execution_id, event_count) VALUES ('" + id + "', 1, 4);"
                + " UPDATE df.instances SET execution_count = 2, status = 'running';"
                + " UPDATE df.nodes SET status = 'completed', result = '1', status_details = jsonb_build_object('execution_id',"
                + " instance_id || CASE query WHEN 'b' THEN '::1' ELSE '::2' END)");

        assertThat(sql.rows("SELECT execution_id, event_count FROM df.instance_executions(?)", id))
                .containsExactly(List.of("2", "3"), List.of("1", "4"));
        assertThat(sql.database.rows(SqlSurface.OWNER, "SELECT total_executions, total_events FROM df.metrics()"))
                .containsExactly(List.of("2", "7"));
    }

    @Test
    void metrics_count_everybody_and_are_not_for_everybody() throws SQLException {
        sql.value("SELECT df.cancel(df.start('a'))");
        sql.database.execute(SqlSurface.BOB, "SELECT df.start('b')");
        assertThat(sql.error("SELECT * FROM df.metrics()")).startsWith("42501");
        assertThat(sql.database.rows(SqlSurface.OWNER, "SELECT * FROM df.metrics()"))
                .containsExactly(List.of("2", "1", "0", "1", "2", "0"));
    }
}
