package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Intervals beside seconds: which function a call means, and what it builds. */
class DurationsTest {

    private final SqlSurface sql = new SqlSurface();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            df.sleep(5)                             | "SLEEP","query":"5"}
            df.sleep('5')                           | "SLEEP","query":"5"}
            df.sleep(' +5 ')                        | "SLEEP","query":"5"}
            df.sleep('5'::text)                     | "SLEEP","query":"5"}
            df.sleep(5::smallint)                   | "SLEEP","query":"5"}
            df.sleep(seconds => '5')                | "SLEEP","query":"5"}
            df.sleep((SELECT 5))                    | "SLEEP","query":"5"}
            df.sleep(5000000000)                    | "SLEEP","query":"5000000000"}
            df.sleep(0.5)                           | "SLEEP","query":"1"}
            df.sleep(2.0)                           | "SLEEP","query":"2"}
            df.sleep(seconds => 1.2::real)          | "SLEEP","query":"2"}
            df.sleep(extract(epoch FROM interval '1 min')) | "SLEEP","query":"60"}
            df.sleep('15 minutes')                  | "SLEEP","query":"900"}
            df.sleep(interval '1 day')              | "SLEEP","query":"86400"}
            df.sleep(duration => '1:00')            | "SLEEP","query":"3600"}
            df.sleep('500 ms')                      | "SLEEP","query":"1"}
            df.sleep('0 s')                         | "SLEEP","query":"0"}
            df.wait_for_signal('n')                 | \\"timeout_seconds\\":null}
            df.wait_for_signal('n', 5)              | \\"timeout_seconds\\":5}
            df.wait_for_signal('n', '5')            | \\"timeout_seconds\\":5}
            df.wait_for_signal('n', NULL)           | \\"timeout_seconds\\":null}
            df.wait_for_signal('n', timeout_seconds => '5') | \\"timeout_seconds\\":5}
            df.wait_for_signal('n', '2 hours')      | \\"timeout_seconds\\":7200}
            df.wait_for_signal('n', interval '1 s') | \\"timeout_seconds\\":1}
            df.wait_for_signal('n', timeout => '1 day') | \\"timeout_seconds\\":86400}
            df.loop('x', every => '0')              | "query":"{\\"every_ms\\":0}"}
            df.loop('x', 'y', every => '2.5 s')     | "query":"{\\"every_ms\\":2500}"}
            """)
    void a_call_means_one_function(String call, String built) throws SQLException {
        assertThat(sql.text("SELECT " + call)).contains(built);
    }

    @Test
    void a_null_is_none_and_the_usual_pace_is_not_written() throws SQLException {
        assertThat(sql.text("SELECT df.sleep(NULL) IS NULL")).isEqualTo("t");
        String plain = sql.text("SELECT df.loop('x', 'y')");
        assertThat(sql.text("SELECT df.loop('x', 'y', every => '1 s')"))
                .isEqualTo(plain)
                .doesNotContain("every");
        assertThat(sql.text("SELECT df.loop('x'::varchar, 'y')")).isEqualTo(plain);
        assertThat(sql.text("SELECT df.loop('x' || '', 'y')")).isEqualTo(plain);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            df.sleep('-1')                          | 22023: ERROR: Sleep duration must be non-negative
            df.sleep(-1)                            | 22023: ERROR: Sleep duration must be non-negative
            df.sleep(-0.5)                          | 22023: ERROR: Sleep duration must be non-negative
            df.sleep('NaN'::float8)                 | 22023: ERROR: df.sleep: the interval must be between 0
            df.sleep(1e300)                         | 22023: ERROR: df.sleep: the interval must be between 0
            df.sleep('-1 s')                        | 22023: ERROR: df.sleep: the interval must be between 0
            df.sleep('40000 years')                 | 22023: ERROR: df.sleep: the interval must be between 0
            df.sleep('soon')                        | 22007: ERROR: invalid input syntax for type interval: "soon"
            df.wait_for_signal('n', '0 s')          | 22023: ERROR: Timeout must be positive
            df.wait_for_signal('n', '0')            | 22023: ERROR: Timeout must be positive
            df.wait_for_signal('n', '100 years')    | 22023: ERROR: df.wait_for_signal: the interval must be at most 68 years
            df.loop('x', every => NULL)             | 22004: ERROR: argument 3 must not be null: every
            df.loop('x', every => '-1 s')           | 22023: ERROR: df.loop: every must be between 0 and 10 years
            df.loop(NULL, every => '1 h')           | 22004: ERROR: argument 0 must not be null: body
            """)
    void refuses_what_makes_no_sense(String call, String error) {
        assertThat(sql.error("SELECT " + call)).startsWith(error);
    }

    @Test
    void the_pace_is_drawn_and_one_that_makes_no_sense_cannot_be_started() throws SQLException {
        assertThat(
                        sql.text(
                                "SELECT df.explain($$ df.loop('x', every => '90 s') ~> df.loop('x', 'y', every => '0.5 s') $$)"))
                .contains("LOOP (infinite, every 90s)", "LOOP (while, every 0.5s)");
        assertThat(sql.error(
                        "SELECT df.start('{\"node_type\":\"LOOP\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"x\"},"
                                + "\"query\":\"{\\\"every_ms\\\":-1}\"}')"))
                .contains("every_ms of LOOP is not an integer");
    }
}
