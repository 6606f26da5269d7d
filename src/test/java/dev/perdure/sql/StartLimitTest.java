package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The options timeout and deadline of df.start, and its two signatures. */
class StartLimitTest {

    private final SqlSurface sql = new SqlSurface();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            {"timeout": 5}                                      | option timeout of df.start() must be a string, such as "2 hours"
            {"timeout": null}                                   | option timeout of df.start() must be a string
            {"timeout": "soon"}                                 | option timeout of df.start(): invalid input syntax for type interval: "soon"
            {"timeout": "0"}                                    | option timeout of df.start() must be between 1 millisecond and 10 years, not 0
            {"timeout": "-1 hour"}                              | option timeout of df.start() must be between 1 millisecond and 10 years
            {"timeout": "20 years"}                             | option timeout of df.start() must be between 1 millisecond and 10 years
            {"deadline": 7}                                     | option deadline of df.start() must be a string, such as "2026-12-01T08:00:00Z"
            {"deadline": "later"}                               | option deadline of df.start(): invalid input syntax for type timestamp with time zone
            {"deadline": "infinity"}                            | option deadline of df.start() must be between the years 2000 and 9999
            {"deadline": "-infinity"}                           | option deadline of df.start() must be between the years 2000 and 9999
            {"deadline": "12000-01-01"}                         | option deadline of df.start() must be between the years 2000 and 9999
            {"deadline": "2026-01-01", "timeout": "1 h"}        | options of df.start() hold both timeout and deadline
            """)
    void refuses_what_makes_no_sense(String options, String error) {
        assertThat(sql.error("SELECT df.start('SELECT 1', options => '" + options + "')"))
                .startsWith("22023: ERROR: " + error);
    }

    @Test
    void the_graph_says_until_when() throws SQLException {
        String id = sql.text(
                "SELECT df.start('a' ~> 'b', 'label', options => '{\"deadline\": \"2030-05-06 07:08:09+02\", \"vars\": {\"x\": 1}}')");
        assertThat(sql.text("SELECT graph FROM df.instances WHERE id = ?", id))
                .isEqualTo("{\"node_type\":\"TIMEOUT\",\"left_node\":" + sql.text("SELECT 'a' ~> 'b'")
                        + ",\"query\":\"{\\\"deadline\\\":\\\"2030-05-06T05:08:09.000000Z\\\"}\"}");
        assertThat(sql.text("SELECT df.explain(?)", id)).contains("TIMEOUT (until 2030-05-06T05:08:09.000000Z)");
        String relative = sql.text("SELECT df.start('a', options => '{\"timeout\": \"1 day\"}')");
        assertThat(sql.text(
                        "SELECT abs(extract(epoch FROM (query::jsonb ->> 'deadline')::timestamptz - now() - interval '1 day')) < 60"
                                + " FROM df.nodes WHERE instance_id = ? AND node_type = 'TIMEOUT'",
                        relative))
                .isEqualTo("t");
    }

    @Test
    void who_may_not_start_may_not_start_with_options_either() throws SQLException {
        sql.database.execute(
                SqlSurface.OWNER, "REVOKE EXECUTE ON FUNCTION df.start(text, text, text, text) FROM PUBLIC");
        try {
            for (String call : new String[] {
                "'a'", "'a', options => '{\"vars\": {}}'", "'a'::varchar", "'a', 'l', NULL, 'caller', '{}'"
            }) {
                assertThat(sql.error("SELECT df.start(" + call + ")"))
                        .contains("42501", "permission denied for function start");
            }
        } finally {
            sql.database.execute(
                    SqlSurface.OWNER, "GRANT EXECUTE ON FUNCTION df.start(text, text, text, text) TO PUBLIC");
        }
        assertThat(sql.text("SELECT df.start('a'::varchar, 'l') <> df.start('a', 'l', NULL, 'caller', NULL)"))
                .isEqualTo("t");
    }
}
