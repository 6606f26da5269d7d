package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** df.catch and the argument expect of HTTP steps: nodes, checks, and how they are drawn. */
class CatchBuilderTest {

    private final SqlSurface sql = new SqlSurface();

    @Test
    void builds_a_node_around_body_and_handler() throws SQLException {
        assertThat(sql.text("SELECT df.catch('SELECT 1', 'SELECT 2')"))
                .isEqualTo("{\"node_type\":\"CATCH\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"},"
                        + "\"right_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 2\"},"
                        + "\"query\":\"{\\\"codes\\\":null}\"}");
        assertThat(sql.text(
                        "SELECT df.catch('a' ~> 'b', 'c' & 'd', '{23,http:404,timeout,child}') |=> 'r' ~> 'SELECT $r'"))
                .contains(
                        "{\\\"codes\\\":[\\\"23\\\",\\\"http:404\\\",\\\"timeout\\\",\\\"child\\\"]}\",\"result_name\":\"r\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            df.catch('x', 'y', '{}')                         | df.catch: codes must not be empty
            df.catch('x', 'y', '{4}')                        | df.catch: '4' in codes is no SQLSTATE
            df.catch('x', 'y', '{http:666}')                 | df.catch: 'http:666' in codes is no SQLSTATE
            df.catch('x', 'y', '{{23},{40}}')                | df.catch: codes must be a list
            df.catch('x', 'y', '{NULL}')                     | df.catch: 'NULL' in codes is no SQLSTATE
            df.http('http://h/', expect => '')               | Invalid expect: '' is no list of statuses
            df.http('http://h/', expect => '2xx 404')        | Invalid expect: '2xx 404' is no list of statuses
            df.http('http://h/', expect => '600')            | Invalid expect: '600' is no list of statuses
            df.http('http://h/', 'GET', expect => '2xx,')    | Invalid expect: '2xx,' is no list of statuses
            """)
    void refuses_what_makes_no_sense(String expression, String error) throws SQLException {
        sql.database.execute(SqlSurface.OWNER, "SELECT df.grant_usage('" + SqlSurface.ALICE + "', true)");
        assertThat(sql.error("SELECT " + expression)).startsWith("22023").contains(error);
    }

    @Test
    void a_request_says_what_it_expects_and_one_that_does_not_is_built_as_ever() throws SQLException {
        sql.database.execute(SqlSurface.OWNER, "SELECT df.grant_usage('" + SqlSurface.ALICE + "', true)");
        assertThat(sql.text("SELECT df.http('http://h/', 'GET', expect => '2xx, 404') |=> 'r'"))
                .isEqualTo(sql.text("SELECT df.http('http://h/', 'GET') |=> 'r'")
                        .replace(
                                "\\\"timeout_seconds\\\":30}",
                                "\\\"timeout_seconds\\\":30,\\\"expect\\\":\\\"2xx, 404\\\"}"))
                .contains("expect");
        assertThat(
                        sql.text(
                                "SELECT df.http_multipart('http://h/', parts => '[{\"name\":\"a\",\"data_b64\":\"YQ==\"}]', expect => '201')"))
                .endsWith(",\\\"expect\\\":\\\"201\\\"}\"}");
        for (String call :
                new String[] {"'http://h/'", "'http:' || '//h/'", "'http://h/'::varchar", "url => 'http://h/'"}) {
            assertThat(sql.text("SELECT df.http(" + call + ", timeout_seconds => 3)"))
                    .isEqualTo(sql.text("SELECT df.http('http://h/'::text, 'POST', NULL, NULL, 3)"));
        }
    }

    @Test
    void who_may_not_send_requests_cannot_build_one_that_expects_a_status_either() throws SQLException {
        sql.database.execute(SqlSurface.OWNER, "SELECT df.revoke_usage('" + SqlSurface.ALICE + "')");
        sql.database.execute(SqlSurface.OWNER, "SELECT df.grant_usage('" + SqlSurface.ALICE + "')");
        assertThat(sql.error("SELECT df.http('http://h/', expect => '2xx')"))
                .contains("permission denied for function http");
    }

    @Test
    void is_drawn_with_body_and_handler() throws SQLException {
        assertThat(sql.text(
                                "SELECT df.explain($$ df.catch('SELECT 1' ~> 'SELECT 2', 'SELECT 3', '{23,timeout}') |=> 'r' ~> df.catch('x', 'y') $$)")
                        .lines()
                        .map(String::stripTrailing))
                .containsExactly(
                        "CATCH (23, timeout) |=> 'r'",
                        "    • body:",
                        "      └─SQL: SELECT 1",
                        "      → SQL: SELECT 2",
                        "    ✗ on failure:",
                        "      └─SQL: SELECT 3",
                        "→ CATCH",
                        "    • body:",
                        "      └─SQL: x",
                        "    ✗ on failure:",
                        "      └─SQL: y");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"query\":\"{\\\"codes\\\":7}\"",
                "\"query\":\"{\\\"codes\\\":[\\\"no!\\\"]}\"",
                "\"query\":\"[]\"",
                "\"result_name\":\"r\""
            })
    void a_node_that_makes_no_sense_cannot_be_started(String rest) {
        String leaf = "{\"node_type\":\"SQL\",\"query\":\"x\"}";
        assertThat(sql.error("SELECT df.start('{\"node_type\":\"CATCH\",\"left_node\":" + leaf + ",\"right_node\":"
                        + leaf + "," + rest + "}')"))
                .containsAnyOf("CATCH", "nodes_structure_chk");
        assertThat(sql.error("SELECT df.start('{\"node_type\":\"CATCH\",\"left_node\":" + leaf
                        + ",\"query\":\"{\\\"codes\\\":null}\"}')"))
                .contains("nodes_structure_chk");
    }
}
