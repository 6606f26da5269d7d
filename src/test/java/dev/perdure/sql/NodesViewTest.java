package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static dev.perdure.sql.SqlSurface.BOB;
import static dev.perdure.sql.SqlSurface.OWNER;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** df.nodes shows everybody their own nodes, and all of them to whom row-level security does not bind. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NodesViewTest {

    private final SqlSurface sql = new SqlSurface();

    @Test
    void a_role_sees_its_own_nodes_and_the_owner_and_superusers_see_all() throws SQLException {
        String hers = sql.text("SELECT df.start('hers' ~> 'secret')");
        String his = String.valueOf(sql.database.value(BOB, "SELECT df.start('his')"));
        String query =
                "SELECT string_agg(query, ',' ORDER BY query) FROM df.nodes WHERE node_type = 'SQL' AND instance_id IN ('"
                        + hers + "', '" + his + "')";
        assertThat(sql.value(query)).isEqualTo("hers,secret");
        assertThat(sql.database.value(BOB, query)).isEqualTo("his");
        assertThat(sql.database.value(OWNER, query)).isEqualTo("hers,his,secret");
        assertThat(sql.database.value("postgres", query)).isEqualTo("hers,his,secret");
        sql.database.asSuperuser("ALTER ROLE bob BYPASSRLS");
        assertThat(sql.database.value(BOB, query)).isEqualTo("hers,his,secret");
        sql.database.asSuperuser("ALTER ROLE bob NOBYPASSRLS");
    }

    @Test
    void a_function_of_a_users_own_sees_no_row_of_others() throws SQLException {
        sql.value("SELECT df.start('a secret of hers')");
        sql.database.execute(
                BOB,
                "CREATE TABLE public.seen (query text); CREATE FUNCTION public.spy(q text) RETURNS boolean LANGUAGE plpgsql"
                        + " COST 0.0001 AS $$ BEGIN INSERT INTO public.seen VALUES (q); RETURN true; END $$");
        sql.database.rows(BOB, "SELECT count(*) FROM df.nodes WHERE public.spy(query) AND public.spy(instance_id)");
        assertThat(sql.database.value(BOB, "SELECT count(*) FROM public.seen")).isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT * FROM df.nodes WHERE instance_id = '00000001'",
                "SELECT * FROM df.nodes n JOIN df.instances i ON i.id = n.instance_id WHERE i.id = '00000001'",
                "SELECT (SELECT count(*) FROM df.nodes n WHERE n.instance_id = v.id) FROM (VALUES ('00000001')) AS v(id)"
            })
    void only_the_instances_that_are_asked_for_are_read(String query) throws SQLException {
        sql.value("SELECT df.start('q')");
        try (var connection = sql.database.connect(ALICE);
                var statement = connection.createStatement()) {
            statement.execute("SET enable_seqscan = off");
            String plan = dev.perdure.testing.TestDatabase.rows(connection, "EXPLAIN (COSTS OFF) " + query).stream()
                    .map(row -> row.get(0))
                    .collect(Collectors.joining("\n"));
            assertThat(plan)
                    .contains("instances_pkey")
                    .contains("Index Cond: ((")
                    .doesNotContain("Seq Scan on instances");
        }
    }

    @Test
    void a_graph_that_somebody_has_written_by_hand_is_no_trouble_for_anybody() throws SQLException {
        List<String> graphs = List.of(
                "no json",
                "[1]",
                "{\"node_type\":1e131071}",
                "{\"node_type\":\"THEN\",\"left_node\":7}",
                "{\"query\":\"\\u0000\"}",
                "{\"node_type\":\"JOIN\",\"extra_nodes\":{},\"condition_node\":{\"node_type\":\"SQL\"},\"query\":\"[\"}");
        for (int i = 0; i < graphs.size(); i++) {
            sql.value(
                    "INSERT INTO df.instances (id, root_node, submitted_by, graph) VALUES (?, '00000001', 'alice', ?) RETURNING id",
                    "bad0000" + i,
                    graphs.get(i));
        }
        assertThat(sql.database.rows(OWNER, "SELECT count(*) FROM df.nodes WHERE instance_id LIKE 'bad%'"))
                .containsExactly(List.of("4"));
        assertThat(sql.database.rows(OWNER, "SELECT * FROM df.metrics()")).hasSize(1);
    }

    @Test
    void a_graph_of_odd_members_has_its_nodes_in_their_order_and_the_ids_of_children_where_they_belong()
            throws SQLException {
        sql.value(
                "INSERT INTO df.instances (id, root_node, submitted_by, graph) VALUES ('0ddca5e5', 'fffffff0', 'alice', ?) RETURNING id",
                "{\"node_type\":\"JOIN\",\"query\":\"[\",\"condition_node\":{\"node_type\":\"SQL\",\"query\":\"d\"},\"right_node\":3,\"extra_nodes\":"
                        + "[{\"query\":\"[1\"},1,{\"query\":\"{\\\"k\\\": 1}\",\"extra_nodes\":[{\"result_name\":\"u\"}],\"condition_node\":{\"left_node\":null}}],"
                        + "\"left_node\":{\"node_type\":\"SQL\",\"query\":\"a\",\"params\":[\"x\",{\"left_node\":{}}]},\"unknown\":{\"left_node\":{}}}");
        assertThat(
                        sql.database.rows(
                                ALICE,
                                "SELECT id, node_type, query, result_name, left_node, right_node, params FROM df.nodes WHERE instance_id = '0ddca5e5'"
                                        + " ORDER BY ((('x' || id)::bit(32)::bigint - x'fffffff0'::bigint) * 244002641) & 4294967295"))
                .extracting(row -> row.stream().map(String::valueOf).collect(Collectors.joining(" ")))
                .containsExactly(
                        "fffffff0 JOIN {\"extra_nodes\":[\"daa66d03\",\"78dde6b4\"],\"condition_node\":\"3c6ef352\"} null 9e3779a1 null null",
                        "9e3779a1 SQL a null null null [\"x\", {\"left_node\": {}}]",
                        "3c6ef352 SQL d null null null null",
                        "daa66d03 null [1 null null null null",
                        "78dde6b4 null {\"k\":1,\"extra_nodes\":[\"b54cda16\"],\"condition_node\":\"17156065\"} null null null null",
                        "17156065 null null null null null null",
                        "b54cda16 null null u null null null");
    }

    @Test
    void text_that_no_text_can_hold_is_refused_when_a_node_is_built_and_when_it_is_started() {
        for (String node : List.of(
                "{\"node_type\":\"SIGNAL\",\"query\":\"{\\\"signal_name\\\":\\\"\\\\u0000\\\"}\"}",
                "{\"node_type\":\"BREAK\",\"query\":\"{\\\"break_value\\\":\\\"\\\\ud800\\\"}\"}",
                "{\"node_type\":\"SQL\",\"query\":\"a\\u0000b\"}",
                "{\"node_type\":\"SQL\",\"query\":\"q\",\"result_name\":\"\\u0000\"}",
                "{\"node_type\":\"THEN\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"\\u0000\"},\"right_node\":{\"node_type\":\"SQL\",\"query\":\"q\"}}")) {
            assertThat(sql.error("SELECT df.start($n$" + node + "$n$)"))
                    .as(node)
                    .startsWith("XX000: ");
            assertThat(sql.error("SELECT 'x' ~> $n$" + node + "$n$")).as(node).startsWith("XX000: ");
            assertThat(sql.error("SELECT df.loop('x' ~> ('y' ~> $n$" + node + "$n$))"))
                    .as(node)
                    .startsWith("XX000: ");
        }
    }
}
