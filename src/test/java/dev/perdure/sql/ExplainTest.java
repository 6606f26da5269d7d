package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExplainTest {

    private final SqlSurface sql = new SqlSurface();

    @BeforeAll
    void alice_may_use_http() throws SQLException {
        sql.asOwner("SELECT df.grant_usage('alice', true)");
    }

    @Test
    void pads_every_line_to_the_longest_and_four() throws SQLException {
        assertThat(sql.value("SELECT df.explain(df.\"if\"('SELECT true', 'SELECT 1', 'SELECT 2'))"))
                .isEqualTo("IF                          \n"
                        + "    ? condition:            \n"
                        + "      └─SQL: SELECT true    \n"
                        + "    ✓ then:                 \n"
                        + "      └─SQL: SELECT 1       \n"
                        + "    ✗ else:                 \n"
                        + "      └─SQL: SELECT 2       ");
    }

    @Test
    void draws_chains_and_branches() throws SQLException {
        assertThat(sql.text("SELECT df.explain($e$ 'a' ~> 'b' |=> 'n' ~> df.loop(('x' & ('y' | 'z')) ~> 'u', 'c')"
                                + " ~> df.join3('a', @> ('b' ~> df.\"break\"()), df.if_rows('n', 'p', 'q')) $e$)")
                        .lines()
                        .map(String::stripTrailing))
                .containsExactly(
                        "SQL: a",
                        "→ SQL: b",
                        "→ LOOP (while)",
                        "    ↻ body:",
                        "      └─JOIN (2)",
                        "          ║ branch 1:",
                        "            ├─SQL: x",
                        "          ║ branch 2:",
                        "            └─RACE",
                        "                ║ branch 1:",
                        "                  ├─SQL: y",
                        "                ║ branch 2:",
                        "                  └─SQL: z",
                        "      → SQL: u",
                        "    ? while:",
                        "      └─SQL: c",
                        "→ JOIN (3)",
                        "    ║ branch 1:",
                        "      ├─SQL: a",
                        "    ║ branch 2:",
                        "      ├─LOOP (infinite)",
                        "      │   ↻ body:",
                        "      │     └─SQL: b",
                        "      │     → BREAK",
                        "    ║ branch 3:",
                        "      └─IF",
                        "          ✓ then:",
                        "            └─SQL: p",
                        "          ✗ else:",
                        "            └─SQL: q");
    }

    @Test
    void draws_many_joins_as_one_and_a_named_one_apart() throws SQLException {
        assertThat(sql.text("SELECT df.explain($e$ 'a' & 'b' & ('c' & 'd') & (('e' & 'f') |=> 'both') & 'g' $e$)")
                        .lines()
                        .map(String::stripTrailing))
                .containsExactly(
                        "JOIN (6)",
                        "    ║ branch 1:",
                        "      ├─SQL: a",
                        "    ║ branch 2:",
                        "      ├─SQL: b",
                        "    ║ branch 3:",
                        "      ├─SQL: c",
                        "    ║ branch 4:",
                        "      ├─SQL: d",
                        "    ║ branch 5:",
                        "      ├─JOIN (2) |=> 'both'",
                        "      │   ║ branch 1:",
                        "      │     ├─SQL: e",
                        "      │   ║ branch 2:",
                        "      │     └─SQL: f",
                        "    ║ branch 6:",
                        "      └─SQL: g");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            quoteCharacter = '`',
            textBlock =
                    """
                    df.sql('12345678901234567890123456789012345678901234567890') § SQL: 12345678901234567890123456789012345678901234567890
                    df.sql('123456789012345678901234567890123456789012345678901') § SQL: 12345678901234567890123456789012345678901234567...
                    df.sql(repeat('é', 50)) § SQL: éééééééééééééééééééééééééééééééééééééééééééééééééé
                    df.sql(repeat('é', 51)) § SQL: ééééééééééééééééééééééééééééééééééééééééééééééé...
                    df.sleep(5) |=> 'n' § SLEEP 5s |=> 'n'
                    df.wait_for_schedule('@daily') § WAIT '@daily'
                    df.wait_for_signal('go') § SIGNAL 'go'
                    df.wait_for_signal('go', 7) |=> 'n' § SIGNAL 'go' (7s) |=> 'n'
                    df.http('https://h/34567890123456789012345678901234567890', 'get') § HTTP GET https://h/345678901234567890123456789...
                    df.http_multipart('https://h', parts => '[{"name": "a", "data_b64": ""}]') § HTTP_MULTIPART POST https://h
                    df."break"('12345678901234567890') § BREAK '12345678901234567890'
                    df."break"('123456789012345678901') § BREAK '12345678901234567...'
                    df."break"() § BREAK
                    """)
    void shows_a_node_on_one_line(String node, String line) throws SQLException {
        assertThat(sql.text("SELECT df.explain(" + node + ")").stripTrailing()).isEqualTo(line);
    }

    static Stream<Arguments> answers() {
        return Stream.of(
                Arguments.of(" SELECT 1 ", "SQL: SELECT 1    "),
                Arguments.of("insert\ninto t", "SQL: insert    \ninto t         "),
                Arguments.of("do x", "SQL: do x    "),
                Arguments.of("{\"node_type\":\"SQL\"}", "SQL: ?    "),
                Arguments.of("{\"node_type\":\"HTTP\"}", "HTTP ? ?    "),
                Arguments.of("{\"node_type\":\"HTTP\",\"query\":\"{}\"}", "HTTP POST ?    "),
                Arguments.of("{\"node_type\":\"SLEEP\"}", "SLEEP ?s    "),
                Arguments.of("{\"node_type\":\"WAIT_SCHEDULE\",\"query\":\"x\"}", "WAIT '?'    "),
                Arguments.of("{\"node_type\":\"SIGNAL\"}", "SIGNAL '?'    "),
                Arguments.of("{\"node_type\":\"BREAK\",\"query\":\"{}\"}", "BREAK    "),
                Arguments.of("{\"node_type\":\"BREAK\",\"query\":\"{\\\"a\\\":1e999999}\"}", "BREAK    "),
                Arguments.of(
                        "do\nx",
                        "Cannot explain input: not a valid Durofut JSON, instance ID, SQL statement, or DSL expression.\n"
                                + "Hint: DSL expressions use df.*() functions and operators like ~>, |=>, &, |."),
                Arguments.of(
                        "{\"node_type\":\"NOPE\"}",
                        "Invalid durable function graph: root: Unknown node_type 'NOPE'. Valid types: SQL, THEN, IF, JOIN, LOOP, BREAK, RACE, SLEEP, WAIT_SCHEDULE, HTTP, HTTP_MULTIPART, SIGNAL, RETRY, CATCH, TIMEOUT, MAP, WAIT_CONDITION, WAIT_EVENT, SAGA, WITH_UNDO, CALL, ACTIVITY, APPROVAL, WITH_QUEUE"),
                Arguments.of("df.sleep(NULL)", "Expression returned NULL"),
                Arguments.of("df.version() WHERE false", "Failed to evaluate expression: it returned no row"),
                Arguments.of(
                        "1, df.version()", "Failed to evaluate expression: its first column is a number, not text"),
                Arguments.of(
                        "df.version()",
                        "Failed to parse Durofut JSON: failed to deserialize Durofut: not a JSON object"),
                Arguments.of("ABCDEF00", "Instance 'ABCDEF00' not found"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void answers(String input, String answer) throws SQLException {
        assertThat(sql.value("SELECT df.explain(?)", input)).isEqualTo(answer);
    }

    @Test
    void evaluates_an_expression_without_leaving_a_trace() throws SQLException {
        assertThat(sql.text("SELECT df.explain($$ df.start('SELECT 1') $$)"))
                .startsWith("Failed to parse Durofut JSON");
        assertThat(sql.value("SELECT count(*) FROM df.instances WHERE label IS NULL AND root_node IS NULL"))
                .isEqualTo("0");
        assertThat(sql.value("SELECT count(*) FROM df.nodes WHERE query = 'SELECT 1'"))
                .isEqualTo("0");
        assertThat(sql.error("SELECT df.explain('df.nope()')")).startsWith("42883");
        assertThat(sql.error("SELECT df.explain('SELECT 1 -- df.')")).startsWith("42601");
    }

    @Test
    void a_deep_chain_of_branches_does_not_exhaust_the_stack() throws SQLException {
        assertThat(sql.text("WITH RECURSIVE nest(n, node) AS (SELECT 0, df.sql('SELECT 0') UNION ALL"
                                + " SELECT n + 1, df.loop(node) FROM nest WHERE n < 256)"
                                + " SELECT df.explain(node) FROM nest ORDER BY n DESC LIMIT 1")
                        .lines())
                .hasSize(513);
    }

    @Test
    void shows_an_instance_with_the_state_of_its_nodes() throws SQLException {
        String id = sql.text("SELECT df.start('one' ~> 'two' ~> 'three', 'my label')");
        assertThat(sql.text("SELECT df.explain(?)", id).lines().map(String::stripTrailing))
                .containsExactly(
                        "Instance: " + id + " (my label)",
                        "Status:   ○ pending",
                        "",
                        "SQL: one ○",
                        "→ SQL: two ○",
                        "→ SQL: three ○");

        sql.asOwner("UPDATE df.nodes SET status = 'completed', result = '1' WHERE instance_id = '" + id
                + "' AND query = 'one';"
                + " UPDATE df.nodes SET status = 'running' WHERE instance_id = '" + id + "' AND query = 'two';"
                + " UPDATE df.instances SET status = 'running' WHERE id = '" + id + "'");
        assertThat(sql.text("SELECT df.explain(?)", id).lines().map(String::stripTrailing))
                .containsExactly(
                        "Instance: " + id + " (my label)",
                        "Status:   ⏳ Running",
                        "",
                        "SQL: one ✓",
                        "→ SQL: two ⏳",
                        "→ SQL: three ○");

        sql.asOwner("UPDATE df.nodes SET status = 'failed', result = '\"boom\"' WHERE instance_id = '" + id
                + "' AND (query = 'two' OR query IS NULL);"
                + " UPDATE df.instances SET status = 'failed', output = repeat('ü', 61) WHERE id = '" + id + "'");
        assertThat(sql.text("SELECT df.explain(?)", id).lines().map(String::stripTrailing))
                .containsExactly(
                        "Instance: " + id + " (my label)",
                        "Status:   ✗ Failed",
                        "Output:   " + "ü".repeat(61),
                        "",
                        "SQL: one ✓",
                        "→ SQL: two ✗",
                        "→ SQL: three ⊘");
    }

    @Test
    void an_instance_without_nodes_is_none() throws SQLException {
        try (var connection = sql.database.connect(SqlSurface.ALICE);
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute(
                    "INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('0123abcd', '00000001', 'alice')");
            assertThat(dev.perdure.testing.TestDatabase.rows(connection, "SELECT df.explain('0123abcd')")
                            .get(0))
                    .containsExactly("No nodes found for instance '0123abcd'");
            connection.rollback();
        }
    }

    @Test
    void shows_the_marker_of_every_node_of_a_running_race_and_join() throws SQLException {
        String id = sql.text("SELECT df.start(df.join3('a', 'b' | 'c', df.\"if\"('d', 'e', 'f')))");
        sql.asOwner("UPDATE df.nodes SET status = 'completed', result = '1' WHERE instance_id = '" + id
                + "' AND (query IN ('b', 'd') OR node_type = 'RACE');"
                + " UPDATE df.nodes SET status = 'running' WHERE instance_id = '" + id
                + "' AND (query IN ('a', 'e') OR node_type IN ('JOIN', 'IF'));"
                + " UPDATE df.instances SET status = 'running' WHERE id = '" + id + "'");

        assertThat(sql.text("SELECT df.explain(?)", id).lines().skip(3).map(String::stripTrailing))
                .containsExactly(
                        "JOIN (3) ⏳",
                        "    ║ branch 1:",
                        "      ├─SQL: a ⏳",
                        "    ║ branch 2:",
                        "      ├─RACE ✓",
                        "      │   ║ branch 1:",
                        "      │     ├─SQL: b ✓",
                        "      │   ║ branch 2:",
                        "      │     └─SQL: c ⊘",
                        "    ║ branch 3:",
                        "      └─IF ⏳",
                        "          ? condition:",
                        "            └─SQL: d ✓",
                        "          • then:",
                        "            └─SQL: e ⏳",
                        "          • else:",
                        "            └─SQL: f ○");
    }

    @Test
    void shows_a_cancelled_instance_as_cancelled() throws SQLException {
        String id = sql.text("SELECT df.start('one')");
        sql.value("SELECT df.cancel(?, 'enough')", id);
        assertThat(sql.text("SELECT df.explain(?)", id).lines().map(String::stripTrailing))
                .containsExactly(
                        "Instance: " + id, "Status:   ✗ Cancelled", "Output:   canceled: enough", "", "SQL: one ○");
    }
}
