package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** df.retry: its node, its checks, and how it is drawn. */
class RetryBuilderTest {

    private final SqlSurface sql = new SqlSurface();

    @Test
    void builds_a_node_around_its_body() throws SQLException {
        assertThat(sql.text("SELECT df.retry('SELECT 1')"))
                .isEqualTo("{\"node_type\":\"RETRY\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"},"
                        + "\"query\":\"{\\\"max_attempts\\\":3,\\\"initial_delay_ms\\\":1000,\\\"backoff\\\":2,"
                        + "\\\"max_delay_ms\\\":3600000,\\\"retry_on\\\":null}\"}");
        assertThat(sql.text("SELECT df.retry('a' ~> 'b', NULL, '1.5 s', 1.5, '1 day', '{40,http:5xx}') |=> 'r'"))
                .contains("\\\"max_attempts\\\":null", "1500", "\\\"backoff\\\":1.5", "86400000")
                .contains("\\\"retry_on\\\":[\\\"40\\\",\\\"http:5xx\\\"]")
                .endsWith("\"result_name\":\"r\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            df.retry(NULL)                                      | argument 0 must not be null
            df.retry('x', initial_delay => NULL)                | argument 2 must not be null
            df.retry('x', backoff => NULL)                      | argument 3 must not be null
            df.retry('x', max_delay => NULL)                    | argument 4 must not be null
            df.retry('x', 0)                                    | df.retry: max_attempts must be at least 1, or NULL for no limit
            df.retry('x', initial_delay => '-1 s')              | df.retry: initial_delay must be between 0 and 10 years, not -00:00:01
            df.retry('x', -2147483648)                          | df.retry: max_attempts must be at least 1, or NULL for no limit
            df.retry('x', backoff => 1000001)                   | df.retry: backoff must be a number from 1
            df.retry('x', max_delay => '11 years')              | df.retry: max_delay must be between 0 and 10 years, not 11 years
            df.retry('x', backoff => 0.5)                       | df.retry: backoff must be a number from 1
            df.retry('x', backoff => 'NaN')                     | df.retry: backoff must be a number from 1
            df.retry('x', backoff => 'Infinity')                | df.retry: backoff must be a number from 1
            df.retry('x', retry_on => '{}')                     | df.retry: retry_on must not be empty
            df.retry('x', retry_on => '{4}')                    | df.retry: '4' in retry_on is no SQLSTATE
            df.retry('x', retry_on => '{40001,http:666}')       | df.retry: 'http:666' in retry_on is no SQLSTATE
            df.retry('x', retry_on => '{NULL}')                 | df.retry: 'NULL' in retry_on is no SQLSTATE
            df.retry('{"node_type":"SQL","query":7}')           | Invalid Durofut JSON
            """)
    void refuses_what_makes_no_sense(String expression, String error) {
        assertThat(sql.error("SELECT " + expression))
                .startsWith(
                        error.endsWith("must not be null") ? "22004" : error.contains("Durofut") ? "XX000" : "22023")
                .contains(error);
    }

    @Test
    void is_drawn_with_its_body() throws SQLException {
        assertThat(sql.text(
                                "SELECT df.explain($$ df.retry('SELECT 1' ~> 'SELECT 2', 4) |=> 'r' ~> df.retry('x', NULL) $$)")
                        .lines()
                        .map(String::stripTrailing))
                .containsExactly(
                        "RETRY (up to 4) |=> 'r'",
                        "    ↻ body:",
                        "      └─SQL: SELECT 1",
                        "      → SQL: SELECT 2",
                        "→ RETRY (up to any number)",
                        "    ↻ body:",
                        "      └─SQL: x");
    }

    @Test
    void a_node_without_body_or_configuration_cannot_be_started() {
        assertThat(sql.error("SELECT df.start('{\"node_type\":\"RETRY\",\"query\":\"{}\"}')"))
                .contains("nodes_structure_chk");
        assertThat(
                        sql.error(
                                "SELECT df.start('{\"node_type\":\"RETRY\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"x\"}}')"))
                .contains("nodes_structure_chk");
    }
}
