package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** df.timeout: its node, checks, and how it is drawn. */
class TimeoutBuilderTest {

    private final SqlSurface sql = new SqlSurface();

    @Test
    void builds_a_node_around_what_has_a_limit() throws SQLException {
        assertThat(sql.text("SELECT df.timeout('SELECT 1', '2 hours')"))
                .isEqualTo("{\"node_type\":\"TIMEOUT\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"},"
                        + "\"query\":\"{\\\"within_ms\\\":7200000}\"}");
        assertThat(sql.text("SELECT df.timeout('a' ~> 'b', '1.5 s', 'c' & 'd') |=> 'r' ~> 'SELECT $r'"))
                .contains(
                        "\"right_node\":{\"node_type\":\"JOIN\"", "{\\\"within_ms\\\":1500}\",\"result_name\":\"r\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            df.timeout('x', '0')                     | 22023: ERROR: df.timeout: within must be between 1 millisecond and 10 years
            df.timeout('x', '0.1 ms')                | 22023: ERROR: df.timeout: within must be between 1 millisecond and 10 years
            df.timeout('x', '-1 s')                  | 22023: ERROR: df.timeout: within must be between 1 millisecond and 10 years
            df.timeout('x', '11 years')              | 22023: ERROR: df.timeout: within must be between 1 millisecond and 10 years
            df.timeout('x', 'soon')                  | 22007: ERROR: invalid input syntax for type interval: "soon"
            df.timeout('x', NULL)                    | 22004: ERROR: argument 1 must not be null: within
            df.timeout(NULL, '1 s')                  | 22004: ERROR: argument 0 must not be null: node
            """)
    void refuses_what_makes_no_sense(String call, String error) {
        assertThat(sql.error("SELECT " + call)).startsWith(error);
    }

    @Test
    void an_infinite_time_is_refused_where_there_is_one() {
        assertThat(sql.error("SELECT df.timeout('x', 'infinity')"))
                .containsAnyOf("within must be between", "invalid input syntax for type interval");
    }

    @Test
    void is_drawn_with_its_time_and_both_parts() throws SQLException {
        assertThat(sql.text(
                                "SELECT df.explain($$ df.timeout('SELECT 1' ~> 'SELECT 2', '90 s', 'SELECT 3') |=> 'r' ~> df.timeout('x', '0.25 s') $$)")
                        .lines()
                        .map(String::stripTrailing))
                .containsExactly(
                        "TIMEOUT (90s) |=> 'r'",
                        "    • body:",
                        "      └─SQL: SELECT 1",
                        "      → SQL: SELECT 2",
                        "    ✗ when the time is over:",
                        "      └─SQL: SELECT 3",
                        "→ TIMEOUT (0.25s)",
                        "    • body:",
                        "      └─SQL: x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"query\":\"{}\"",
                "\"query\":\"[]\"",
                "\"query\":\"{\\\"within_ms\\\":0}\"",
                "\"query\":\"{\\\"within_ms\\\":-1}\"",
                "\"query\":\"{\\\"within_ms\\\":\\\"x\\\"}\"",
                "\"query\":\"{\\\"within_ms\\\":1e20}\"",
                "\"query\":\"{\\\"deadline\\\":\\\"tomorrow\\\"}\"",
                "\"result_name\":\"r\""
            })
    void a_node_that_makes_no_sense_cannot_be_started(String rest) {
        assertThat(sql.error(
                        "SELECT df.start('{\"node_type\":\"TIMEOUT\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"x\"},"
                                + rest + "}')"))
                .containsAnyOf("TIMEOUT", "nodes_structure_chk");
    }
}
