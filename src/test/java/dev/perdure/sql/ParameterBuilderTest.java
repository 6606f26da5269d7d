package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** df.sql with parameters, and references that nobody binds: what is built, refused, started and drawn. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ParameterBuilderTest {

    private final SqlSurface sql = new SqlSurface();

    @Test
    void builds_a_node_with_its_templates() throws SQLException {
        assertThat(sql.text("SELECT df.sql('SELECT $1, $2', '$n.col', 'it''s \"{v}\"')"))
                .isEqualTo(
                        "{\"node_type\":\"SQL\",\"query\":\"SELECT $1, $2\",\"params\":[\"$n.col\",\"it's \\\"{v}\\\"\"]}");
        assertThat(sql.text("SELECT df.sql('SELECT $1', '7') |=> 'x'"))
                .isEqualTo("{\"node_type\":\"SQL\",\"query\":\"SELECT $1\",\"params\":[\"7\"],\"result_name\":\"x\"}");
        assertThat(sql.text("SELECT df.sql('SELECT $1', '7') ~> 'SELECT 2'"))
                .contains("\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT $1\",\"params\":[\"7\"]}");
        assertThat(sql.text("SELECT df.sql('SELECT 1', VARIADIC '{}')"))
                .isEqualTo(sql.text("SELECT df.sql('SELECT 1')"));
        assertThat(sql.value("SELECT df.sql(NULL, 'x')")).isNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            df.sql('SELECT $1, $3', 'a', 'b')               | 22023: ERROR: df.sql: the statement uses $3, but 2 parameters are given
            df.sql('SELECT $2', 'a')                        | 22023: ERROR: df.sql: the statement uses $2, but 1 parameter is given
            df.sql('SELECT $1', 'a', 'b')                   | 22023: ERROR: df.sql: parameter 2 is not used: there is no $2 in the statement
            df.sql('SELECT ''$1''', 'a')                    | 22023: ERROR: df.sql: parameter 1 is not used
            df.sql('SELECT 1 -- $1', 'a')                   | 22023: ERROR: df.sql: parameter 1 is not used
            df.sql('SELECT 1 /* /* */ $1 */', 'a')          | 22023: ERROR: df.sql: parameter 1 is not used
            df.sql('SELECT $q$ $1 $q$', 'a')                | 22023: ERROR: df.sql: parameter 1 is not used
            df.sql('SELECT a$1', 'a')                       | 22023: ERROR: df.sql: parameter 1 is not used
            df.sql('SELECT "$1"', 'a')                      | 22023: ERROR: df.sql: parameter 1 is not used
            df.sql('SELECT E''\\''$1''', 'a')               | 22023: ERROR: df.sql: parameter 1 is not used
            df.sql('SELECT $1', NULL)                       | 22004: ERROR: df.sql: parameter 1 must not be null
            df.sql('SELECT $1', VARIADIC '{{a},{b}}')       | 22023: ERROR: df.sql: params must be a list
            df.seq('{"node_type":"SQL","query":"x","params":"y"}', 'SELECT 1') | XX000: ERROR: Invalid Durofut JSON: failed to deserialize workflow step: params must be an array of strings
            df.seq('{"node_type":"SQL","query":"x","params":[1]}', 'SELECT 1') | XX000: ERROR: Invalid Durofut JSON: failed to deserialize workflow step: params must be an array of strings
            df.start('{"node_type":"SQL","query":"SELECT $2","params":["1"]}')   | XX000: ERROR: Invalid durable function graph: root: the statement uses $2, but 1 parameter is given
            df.start('{"node_type":"SLEEP","query":"1","params":["1"]}')         | XX000: ERROR: Invalid durable function graph: root: params is not valid for SLEEP nodes
            """)
    void refuses_what_does_not_fit(String expression, String error) {
        assertThat(sql.error("SELECT " + expression)).startsWith(error);
    }

    @Test
    void what_a_variable_brings_into_the_statement_is_not_known_when_it_is_built() throws SQLException {
        assertThat(sql.text("SELECT df.sql('SELECT 1 {more}', 'a')")).contains("\"params\":[\"a\"]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
            'SELECT 1' |=> 'a' ~> 'SELECT $b'                              ; root.right: no step of this workflow binds the name of $b. There are a
            'SELECT $b.col + 1'                                            ; root: no step of this workflow binds the name of $b. No step has a name
            df.sql('SELECT $1', '$b[]')                                    ; root: no step of this workflow binds the name of $b
            df.sql('SELECT $1', 'x$$b') ~> df.sql('SELECT $1', 'x$b')      ; root.right: no step of this workflow binds the name of $b
            df.http('https://h.example/?a=$b')                             ; root: no step of this workflow binds the name of $b
            df.http('https://h.example/', 'POST', '{"a": "$b.c"}')         ; root: no step of this workflow binds the name of $b
            df.http('https://h.example/', 'GET', NULL, '{"x": "$b"}')      ; root: no step of this workflow binds the name of $b
            df.http_multipart('https://h.example/', 'POST', '[{"name": "n", "data_b64": "$b"}]') ; root: no step of this workflow binds the name of $b
            df.sleep(1) ~> (df.sleep(1) & ('SELECT 1' ~> 'SELECT $b'))     ; root.right.right.right: no step of this workflow binds
            """)
    void a_reference_that_no_step_binds_is_refused_with_its_place(String expression, String error) throws SQLException {
        sql.asOwner("SELECT df.grant_usage('alice', include_http => true)");
        assertThat(sql.error("SELECT df.start(" + expression + ")"))
                .startsWith("XX000: ERROR: Invalid durable function graph: " + error);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'SELECT ''$b'', \"$b\", $b$ $b $b$, $$ $c $$, a$b -- $b'",
                "'SELECT E''it''''s \\'' $b'' /* $b /* */ $b */'",
                "'SELECT $a' ~> ('SELECT 1' |=> 'a')",
                "df.sql('SELECT $1', 'costs $$b')",
                "'DO $x$ BEGIN PERFORM $b; END $x$'",
                "df.\"break\"('$b')",
                "df.http('https://h.example/?$$top=1', 'POST', 'costs 5$')",
                "('SELECT 1' |=> 'a') ~> df.retry(@> ('SELECT $a' ~> df.\"break\"()))",
            })
    void what_is_no_reference_is_started(String expression) throws SQLException {
        sql.asOwner("SELECT df.grant_usage('alice', include_http => true)");
        assertThat(sql.text("SELECT df.start(" + expression + ")")).hasSize(8);
    }

    @Test
    void a_setting_lets_old_texts_run() throws SQLException {
        sql.asOwner("INSERT INTO df.settings VALUES ('unknown_names', 'ignore')");
        try {
            assertThat(sql.text("SELECT df.start('SELECT $nope')")).hasSize(8);
            assertThat(sql.error(
                            SqlSurface.OWNER, "UPDATE df.settings SET value = 'maybe' WHERE name = 'unknown_names'"))
                    .startsWith("22023: ERROR: invalid value for setting \"unknown_names\": \"maybe\"");
        } finally {
            sql.asOwner("DELETE FROM df.settings WHERE name = 'unknown_names'");
        }
        assertThat(sql.error("SELECT df.start('SELECT $nope')")).contains("$nope");
    }

    @Test
    void templates_are_shown_until_there_are_values() throws SQLException {
        String id = sql.text("SELECT df.start('SELECT 1' |=> 'n' ~> df.sql('SELECT $1', '$n'))");
        assertThat(sql.value("SELECT params FROM df.nodes WHERE params IS NOT NULL AND instance_id = '" + id + "'"))
                .isEqualTo("[\"$n\"]");
        assertThat(sql.text("SELECT df.explain('" + id + "')")).contains("SQL: SELECT $1 with [\"$n\"]");
        assertThat(sql.text("SELECT df.explain($e$ df.sql('SELECT $1', '$n') $e$)"))
                .startsWith("SQL: SELECT $1 with [\"$n\"]");
    }

    @Test
    void a_large_statement_is_looked_through() throws SQLException {
        assertThat(sql.text("SELECT cardinality((df._asks_for("
                        + "concat('INSERT INTO t VALUES (', repeat('''it''''s $x'', $1, ', 60000), '$n)'))).numbers)"))
                .isEqualTo("60000");
    }
}
