package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The monitoring functions have the signatures, attributes and columns of the specification (2.7, 3.4). */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MonitoringSurfaceTest {

    private final SqlSurface sql = new SqlSurface();

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            list_instances(text,integer) | f | t | status_filter text DEFAULT NULL::text, limit_count integer DEFAULT 100 | instance_id text, label text, function_name text, status text, execution_count bigint, output text
            list_instances(text,integer,text,text) | f | t | status_filter text, limit_count integer, label_filter text, after_cursor text DEFAULT NULL::text | instance_id text, label text, function_name text, status text, execution_count bigint, output text, created_at timestamp with time zone, completed_at timestamp with time zone, next_cursor text
            instance_info(text) | t | t | instance_id text | instance_id text, label text, function_name text, function_version text, current_execution_id bigint, status text, output text
            instance_executions(text,integer) | t | t | instance_id text, limit_count integer DEFAULT 5 | execution_id bigint, status text, event_count bigint, duration_ms bigint, output text
            instance_nodes(text) | t | t | instance_id_param text | node_id text, node_type text, query text, result_name text, left_node text, right_node text, status text, result text, status_details text, inferred_status text, inferred_status_from_ancestor_id text, updated_at timestamp with time zone
            instance_nodes(text,integer) | t | t | instance_id_param text, _last_n_executions integer | execution_id bigint, node_id text, node_type text, query text, result_name text, left_node text, right_node text, status text, result text, updated_at timestamp with time zone
            metrics() | t | f | | total_instances bigint, running_instances bigint, completed_instances bigint, failed_instances bigint, total_executions bigint, total_events bigint
            """)
    void a_function_is_as_specified(String function, String strict, String forPublic, String arguments, String columns)
            throws SQLException {
        assertThat(sql.rows(
                        "SELECT p.provolatile, p.proisstrict, pg_get_function_arguments(p.oid),"
                                + " pg_get_function_result(p.oid), has_function_privilege('public', p.oid, 'EXECUTE') FROM"
                                + " pg_proc p WHERE p.oid = ?::regprocedure",
                        "df." + function))
                .containsExactly(
                        List.of("v", strict, arguments == null ? "" : arguments, "TABLE(" + columns + ")", forPublic));
    }

    @Test
    void null_arguments_of_strict_functions_give_no_rows() throws SQLException {
        for (String call : List.of(
                "instance_info(NULL)",
                "instance_executions(NULL)",
                "instance_nodes(NULL)",
                "instance_nodes(NULL, 1)")) {
            assertThat(sql.rows("SELECT * FROM df." + call)).as(call).isEmpty();
        }
    }

    @Test
    void what_one_may_not_see_gives_no_rows() throws SQLException {
        String id = sql.text("SELECT df.start('SELECT 1')");
        for (String function : List.of("instance_info", "instance_executions", "instance_nodes")) {
            assertThat(sql.rows("SELECT * FROM df." + function + "(?)", id))
                    .as(function)
                    .isNotEmpty();
            assertThat(sql.database.rows(SqlSurface.BOB, "SELECT * FROM df." + function + "(?)", id))
                    .as(function)
                    .isEmpty();
            assertThat(sql.rows("SELECT * FROM df." + function + "('ffffffff')"))
                    .as(function)
                    .isEmpty();
        }
    }

    @Test
    void executions_are_clamped_to_ten_thousand() throws SQLException {
        String id = sql.text("SELECT df.start('SELECT 1')");
        sql.asOwner("INSERT INTO df.executions (instance_id, execution_id) SELECT '" + id
                + "', i FROM generate_series(1, 10001) i; UPDATE df.instances SET execution_count = 10002 WHERE id = '"
                + id
                + "'");

        assertThat(sql.value("SELECT count(*) FROM df.instance_executions(?, 20000)", id))
                .isEqualTo("10000");
    }

    @Test
    void a_page_that_is_exactly_full_is_the_last_one() throws SQLException {
        sql.value("SELECT count(df.start('SELECT 1', 'full')) FROM generate_series(1, 3)");

        assertThat(sql.rows("SELECT next_cursor FROM df.list_instances(NULL, 3, 'full')"))
                .hasSize(3)
                .allSatisfy(row -> assertThat(row.get(0)).isNull());
        assertThat(sql.rows("SELECT next_cursor IS NULL FROM df.list_instances(NULL, 2, 'full')"))
                .containsExactly(List.of("f"), List.of("f"));
    }

    @Test
    void users_read_the_heartbeat_of_the_leader_and_cannot_write_it() throws SQLException {
        sql.asOwner("SELECT df._begin_term()");

        assertThat(sql.rows("SELECT epoch_id IS NOT NULL, started_at <= last_seen_at FROM df._worker_epoch"))
                .containsExactly(List.of("t", "t"));
        assertThat(sql.rows("SELECT column_name, data_type FROM information_schema.columns"
                        + " WHERE table_schema = 'df' AND table_name = '_worker_epoch' ORDER BY ordinal_position"))
                .containsExactly(
                        List.of("epoch_id", "uuid"),
                        List.of("started_at", "timestamp with time zone"),
                        List.of("last_seen_at", "timestamp with time zone"),
                        List.of("unknown_zones", "ARRAY"));
        assertThat(sql.error("UPDATE df._worker_epoch SET last_seen_at = now()"))
                .startsWith("42501");
    }

    @Test
    void a_role_with_grant_option_may_read_the_metrics() throws SQLException {
        sql.database.createRole("watcher");
        sql.asOwner("SELECT df.grant_usage('watcher', with_grant => true)");

        assertThat(sql.database.rows("watcher", "SELECT * FROM df.metrics()")).hasSize(1);
    }
}
