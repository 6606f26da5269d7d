package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BuildersTest {

    private final SqlSurface sql = new SqlSurface();

    @BeforeAll
    void alice_may_use_http() throws SQLException {
        sql.asOwner("SELECT df.grant_usage('alice', true)");
    }

    static Stream<Arguments> outputs() {
        return Stream.of(
                output("df.sql('SELECT 1')", sqlNode("SELECT 1")),
                output("df.sql('{\"node_type\":\"SQL\"}')", sqlNode("{\\\"node_type\\\":\\\"SQL\\\"}")),
                output("df.sql(E'a\\tb\\n\"\\\\é')", sqlNode("a\\tb\\n\\\"\\\\é")),
                output("df.seq('a', 'b')", binary("THEN", "a", "b")),
                output("df.\"join\"('a', 'b')", binary("JOIN", "a", "b")),
                output("df.race('a', 'b')", binary("RACE", "a", "b")),
                output(
                        "df.join3('a', 'b', 'c')",
                        "{\"node_type\":\"JOIN\",\"left_node\":" + sqlNode("a") + ",\"right_node\":" + sqlNode("b")
                                + ",\"extra_nodes\":[" + sqlNode("c") + "]}"),
                output("df.\"as\"('a', 'n')", "{\"node_type\":\"SQL\",\"query\":\"a\",\"result_name\":\"n\"}"),
                output(
                        "df.\"as\"(df.\"as\"('a', 'old'), '_New1')",
                        "{\"node_type\":\"SQL\",\"query\":\"a\",\"result_name\":\"_New1\"}"),
                output(
                        "df.\"as\"(df.seq(df.\"as\"('a', 'inner'), 'b'), 'outer')",
                        "{\"node_type\":\"THEN\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"a\",\"result_name\":\"inner\"},"
                                + "\"right_node\":" + sqlNode("b") + ",\"result_name\":\"outer\"}"),
                output("df.sleep(0)", "{\"node_type\":\"SLEEP\",\"query\":\"0\"}"),
                output("df.loop('a')", "{\"node_type\":\"LOOP\",\"left_node\":" + sqlNode("a") + "}"),
                output(
                        "df.loop('a', 'c')",
                        "{\"node_type\":\"LOOP\",\"left_node\":" + sqlNode("a") + ",\"condition_node\":" + sqlNode("c")
                                + "}"),
                output("df.\"break\"()", "{\"node_type\":\"BREAK\",\"query\":\"{\\\"break_value\\\":null}\"}"),
                output(
                        "df.\"break\"('say \"x\"')",
                        "{\"node_type\":\"BREAK\",\"query\":\"{\\\"break_value\\\":\\\"say \\\\\\\"x\\\\\\\"\\\"}\"}"),
                output(
                        "df.\"if\"('c', 't', 'e')",
                        "{\"node_type\":\"IF\",\"left_node\":" + sqlNode("t") + ",\"right_node\":" + sqlNode("e")
                                + ",\"condition_node\":" + sqlNode("c") + "}"),
                output(
                        "df.if_rows('any name', 't', 'e')",
                        "{\"node_type\":\"IF\",\"left_node\":" + sqlNode("t") + ",\"right_node\":" + sqlNode("e")
                                + ",\"query\":\"{\\\"condition_type\\\":\\\"result_has_rows\\\",\\\"result_name\\\":\\\"any name\\\"}\"}"),
                output(
                        "df.wait_for_schedule('*/5 * * * *')",
                        "{\"node_type\":\"WAIT_SCHEDULE\",\"query\":\"{\\\"cron_expr\\\":\\\"*/5 * * * *\\\"}\"}"),
                output(
                        "df.wait_for_schedule('@daily', 'europe/berlin')",
                        "{\"node_type\":\"WAIT_SCHEDULE\",\"query\":\"{\\\"cron_expr\\\":\\\"@daily\\\",\\\"timezone\\\":\\\"Europe/Berlin\\\"}\"}"),
                output(
                        "df.wait_for_signal('go')",
                        "{\"node_type\":\"SIGNAL\",\"query\":\"{\\\"signal_name\\\":\\\"go\\\",\\\"timeout_seconds\\\":null}\"}"),
                output(
                        "df.wait_for_signal('go', 5)",
                        "{\"node_type\":\"SIGNAL\",\"query\":\"{\\\"signal_name\\\":\\\"go\\\",\\\"timeout_seconds\\\":5}\"}"),
                output("df.sleep(9223372036854775807)", "{\"node_type\":\"SLEEP\",\"query\":\"9223372036854775807\"}"),
                output(
                        "df.wait_for_signal(' ', 2147483647)",
                        "{\"node_type\":\"SIGNAL\",\"query\":\"{\\\"signal_name\\\":\\\" \\\",\\\"timeout_seconds\\\":2147483647}\"}"),
                output(
                        "df.http('{base}/x')",
                        "{\"node_type\":\"HTTP\",\"query\":\"{\\\"url\\\":\\\"{base}/x\\\",\\\"method\\\":\\\"POST\\\",\\\"body\\\":null,\\\"headers\\\":null,\\\"timeout_seconds\\\":30}\"}"),
                output(
                        "df.http('HTTPS://h', 'get', 'b', '{\"A\": \"x: , y\", \"n\": 1}', 5)",
                        "{\"node_type\":\"HTTP\",\"query\":\"{\\\"url\\\":\\\"HTTPS://h\\\",\\\"method\\\":\\\"GET\\\",\\\"body\\\":\\\"b\\\",\\\"headers\\\":{\\\"A\\\":\\\"x: , y\\\",\\\"n\\\":1},\\\"timeout_seconds\\\":5}\"}"),
                output(
                        "df.http_multipart('https://h', 'put', '[{\"data_b64\": \"\", \"name\": \"f\", \"x\": 1}]')",
                        "{\"node_type\":\"HTTP_MULTIPART\",\"query\":\"{\\\"url\\\":\\\"https://h\\\",\\\"method\\\":\\\"PUT\\\",\\\"parts\\\":[{\\\"x\\\":1,\\\"name\\\":\\\"f\\\",\\\"data_b64\\\":\\\"\\\"}],\\\"headers\\\":null,\\\"timeout_seconds\\\":30}\"}"));
    }

    @ParameterizedTest
    @MethodSource("outputs")
    void prints_compact_json_with_members_in_order(String expression, String expected) throws SQLException {
        assertThat(sql.value("SELECT " + expression)).isEqualTo(expected);
    }

    static Stream<Arguments> wrapped() {
        String child = "{\"node_type\" : \"SQL\", \"x\": 1, \"query\": \"q\"}";
        return Stream.of(
                // what is no node becomes SQL text as it stands
                output("", sqlNode("")),
                output("  SELECT 1 ", sqlNode("  SELECT 1 ")),
                output("{not json", sqlNode("{not json")),
                output("{\"a\":1}", sqlNode("{\\\"a\\\":1}")),
                output("{\"node_type\":5}", sqlNode("{\\\"node_type\\\":5}")),
                output("[1]", sqlNode("[1]")),
                output("{\"node_type\":\"sql\"}", sqlNode("{\\\"node_type\\\":\\\"sql\\\"}")),
                output("{\"node_type\":\"NOPE\"}", sqlNode("{\\\"node_type\\\":\\\"NOPE\\\"}")),
                // a node is printed again: order, blanks, unknown members, nulls, empty extras, escapes
                output(
                        " {\"query\":\"q\", \"x\":[1], \"node_type\":\"SQL\", \"left_node\":null, \"extra_nodes\":[]}\n",
                        sqlNode("q")),
                output("{\"node_type\":\"SQL\",\"query\":\"\\u0041\\/\"}", sqlNode("A/")),
                output("{\"node_type\":\"SQL\"}", "{\"node_type\":\"SQL\"}"),
                // its children are kept verbatim
                output(
                        "{\"node_type\":\"LOOP\", \"left_node\": " + child + " }",
                        "{\"node_type\":\"LOOP\",\"left_node\":" + child + "}"),
                output(
                        "{\"node_type\":\"JOIN\",\"extra_nodes\":[ " + child + " , {} ]}",
                        "{\"node_type\":\"JOIN\",\"extra_nodes\":[" + child + ",{}]}"));
    }

    @ParameterizedTest
    @MethodSource("wrapped")
    void takes_a_node_as_it_is_and_everything_else_as_sql(String text, String expected) throws SQLException {
        assertThat(sql.value("SELECT df.loop(?)", text))
                .isEqualTo("{\"node_type\":\"LOOP\",\"left_node\":" + expected + "}");
    }

    static Stream<Arguments> errors() {
        String malformed = "Invalid Durofut JSON: failed to deserialize workflow step: ";
        return Stream.of(
                error("df.sleep(-1)", "Sleep duration must be non-negative"),
                error("df.\"as\"('a', '')", "df.as: result name cannot be empty"),
                error(
                        "df.\"as\"('a', '1x')",
                        "df.as: result name '1x' is not a valid identifier — must match [a-zA-Z_][a-zA-Z0-9_]*"),
                error("df.\"as\"('a', 'é')", "not a valid identifier"),
                error("df.\"as\"('a', E'a\\n')", "not a valid identifier"),
                error("df.loop(NULL)", "argument 0 must not be null"),
                error("df.wait_for_signal(NULL)", "argument 0 must not be null"),
                error("df.wait_for_signal('')", "Signal name cannot be empty"),
                error("df.wait_for_signal(repeat('é', 513))", "Signal name has 1026 bytes, more than 1024"),
                error("df.wait_for_signal('a', 0)", "Timeout must be positive"),
                error("df.wait_for_signal('a', -2147483648)", "Timeout must be positive"),
                error("df.sleep(-9223372036854775808)", "Sleep duration must be non-negative"),
                error("df.http(NULL, NULL)", "argument 0 must not be null"),
                error("df.http('x', NULL)", "argument 1 must not be null"),
                error("df.http('x', timeout_seconds => NULL)", "argument 4 must not be null"),
                error(
                        "df.http('FTP://x', 'NOPE')",
                        "Blocked: unsupported URL scheme 'ftp'. Only http and https are allowed."),
                error("df.http('$r.url')", "Blocked: unsupported URL scheme '$r.url'."),
                error(
                        "df.http('http://x', 'head', timeout_seconds => 0)",
                        "Invalid HTTP method: head. Must be GET, POST, PUT, DELETE, or PATCH"),
                error("df.http('http://x', timeout_seconds => 0)", "Timeout must be positive"),
                error("df.http('http://x', headers => '[]')", "headers must be a JSON object"),
                error(
                        "df.http('http://x', headers => '{\"a\":{}}')",
                        "header 'a' must be a string, a number or a boolean"),
                error(
                        "df.http_multipart('http://x', 'GET')",
                        "Invalid HTTP method for multipart: GET. Must be POST, PUT, or PATCH"),
                error("df.http_multipart('gopher://x')", "Blocked: unsupported URL scheme 'gopher'."),
                error("df.http_multipart('http://x', timeout_seconds => -1)", "Timeout must be positive"),
                error("df.http_multipart('http://x')", "parts is required and cannot be NULL"),
                error("df.http_multipart('http://x', parts => '{}')", "parts must be a JSON array of part objects"),
                error("df.http_multipart('http://x', parts => '[]')", "parts must contain at least one part"),
                error("df.http_multipart(NULL)", "argument 0 must not be null"),
                error(parts("{\"name\":\"a\",\"data\":\"eA==\"}"), "parts[0] has no 'data_b64' (it has data, name)"),
                error(parts("{\"name\":\"a\",\"data_b64\":\"eA==\"},{}"), "parts[1] has no 'name' (it has no members)"),
                error(parts("{\"name\":null,\"data_b64\":\"eA==\"}"), "parts[0] has no 'name' (it has data_b64)"),
                error(parts("1"), "parts[0] must be a JSON object, not number"),
                error(parts("{\"name\":\"a\",\"data_b64\":5}"), "parts[0]: data_b64 must be a string, not number"),
                error(
                        parts("{\"name\":\"a\",\"data_b64\":\"\",\"filename\":[]}"),
                        "parts[0]: filename must be a string, not array"),
                error(parts("{\"name\":\"a\",\"data_b64\":\"hello\"}"), "Invalid base64 in part 'a'"),
                error(parts("{\"name\":\"a\",\"data_b64\":\"eA=\"}"), "Invalid base64 in part 'a'"),
                error(parts("{\"name\":\"a\",\"data_b64\":\"e=A=\"}"), "Invalid base64 in part 'a'"),
                error(parts("{\"name\":\"a\",\"data_b64\":\"====\"}"), "Invalid base64 in part 'a'"),
                error(parts("{\"name\":\"a\",\"data_b64\":\"é===\"}"), "Invalid base64 in part 'a'"),
                error(
                        parts("{\"name\":\"a\",\"data_b64\":\"x$r\"}"),
                        "data_b64 for part 'a' mixes a variable reference with other text"),
                error(
                        parts("{\"name\":\"a\",\"data_b64\":\"{v}{w}\"}"),
                        "data_b64 for part 'a' mixes a variable reference with other text"),
                error(
                        parts("{\"name\":\"a\",\"data_b64\":\"$r[]\"}"),
                        "data_b64 for part 'a' mixes a variable reference with other text"),
                error(
                        parts("{\"name\":\"a\",\"data_b64\":\"\",\"content_type\":\"text\"}"),
                        "Invalid content_type for part 'a': 'text' is not a media type"),
                error("df.loop('{\"node_type\":\"SQL\",\"query\":1}')", malformed),
                error(
                        "df.loop('{\"node_type\":\"SQL\",\"query\":\"a\",\"query\":\"b\"}')",
                        malformed + "duplicate field `query`"),
                error(
                        "df.loop('{\"node_type\":\"THEN\",\"left_node\":\"x\"}')",
                        malformed + "Durofut children must be JSON objects"),
                error(
                        "df.loop('{\"node_type\":\"THEN\",\"right_node\":[]}')",
                        malformed + "Durofut children must be JSON objects"),
                error(
                        "df.loop('{\"node_type\":\"IF\",\"condition_node\":1}')",
                        malformed + "condition_node must be a Durofut JSON object"),
                error(
                        "df.loop('{\"node_type\":\"JOIN\",\"extra_nodes\":[1]}')",
                        malformed + "extra_nodes entries must be Durofut JSON objects"),
                error("df.loop('{\"node_type\":\"JOIN\",\"extra_nodes\":null}')", malformed + "extra_nodes"),
                error("df.loop('{\"node_type\":\"NOPE\",\"left_node\":1}')", malformed),
                error("df.wait_for_schedule('* * * * *', 'Mars/Olympus')", "Invalid time zone 'Mars/Olympus'"),
                error("df.wait_for_schedule('* * * * *', 'FOO3')", "Invalid time zone 'FOO3'"));
    }

    private static String parts(String parts) {
        return "df.http_multipart('http://x', parts => '[" + parts + "]')";
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "eA==",
                "eA",
                " e A=\\n=\\t",
                " $r ",
                "$r?",
                "$r.col",
                "$r.col?",
                "{v}",
            })
    void the_data_of_a_part_is_base64_or_one_reference(String data) throws SQLException {
        assertThat(sql.text("SELECT "
                        + parts("{\"name\":\"\",\"filename\":null,\"content_type\":\"text/plain; a=b\",\"data_b64\":\""
                                + data + "\"}")))
                .contains("HTTP_MULTIPART");
    }

    /** Text that is nearly a node is no wrong argument: the specification's SQLSTATE stays. */
    private static String sqlState(String phrase) {
        if (phrase.endsWith("must not be null")) {
            return "22004: ";
        }
        return phrase.contains("Durofut") || phrase.contains("node_type") || phrase.contains("before df.start()")
                ? "XX000: "
                : "22023: ";
    }

    @ParameterizedTest
    @MethodSource("errors")
    void refuses(String expression, String phrase) {
        assertThat(sql.error("SELECT " + expression))
                .startsWith(sqlState(phrase))
                .contains(phrase);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "df.sql(NULL)",
                "df.seq('a', NULL)",
                "df.\"as\"(NULL, 'n')",
                "df.sleep(NULL)",
                "df.wait_for_schedule(NULL)",
                "df.\"if\"('a', 'b', NULL)",
                "df.if_rows(NULL, 'a', 'b')",
                "df.\"join\"(NULL, 'b')",
                "df.join3('a', 'b', NULL)",
                "df.race('a', NULL)"
            })
    void a_null_gives_null_where_the_builder_is_strict(String expression) throws SQLException {
        assertThat(sql.value("SELECT " + expression)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "* * * * *",
                "0 0 1 1 0",
                "59 23 31 12 7",
                "*/15 9-17/2 1,15 jan-MAR Mon-fri",
                "5/10 * * * *",
                "  0   8 * * sun ",
                "@hourly",
                "@Daily",
                "@weekly",
                "@monthly",
                "@yearly",
                "@annually",
                "@midnight"
            })
    void accepts_the_cron_expression(String cron) throws SQLException {
        assertThat(sql.text("SELECT df.wait_for_schedule(?)", cron)).contains("WAIT_SCHEDULE");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "* * * *",
                "* * * * * *",
                "60 * * * *",
                "* 24 * * *",
                "* * 0 * *",
                "* * 32 * *",
                "* * * 13 *",
                "* * * 0 *",
                "* * * * 8",
                "5-1 * * * *",
                "*/0 * * * *",
                "a * * * *",
                "mon * * * *",
                "* * * mon *",
                "1,,2 * * * *",
                "1- * * * *",
                "@reboot",
                "* * ? * *"
            })
    void refuses_the_cron_expression(String cron) {
        assertThat(sql.error("SELECT df.wait_for_schedule('" + cron + "')"))
                .contains("Invalid cron expression '" + cron + "': Invalid expression: Invalid cron expression.");
    }

    @Test
    void a_long_chain_is_built_and_started() throws SQLException {
        String build = "WITH RECURSIVE chain(n, node) AS (SELECT 0, df.sql('SELECT 0') UNION ALL"
                + " SELECT n + 1, df.seq(node, 'SELECT ' || n) FROM chain WHERE n < %d)"
                + " SELECT %s(node) FROM chain ORDER BY n DESC LIMIT 1";

        assertThat(sql.text(build.formatted(256, "df.start"))).matches("[0-9a-f]{8}");
        assertThat(sql.error(build.formatted(257, "df.start")))
                .contains("root" + ".left".repeat(257) + ": Graph exceeds maximum nesting depth of 256.");
    }

    private static String sqlNode(String query) {
        return "{\"node_type\":\"SQL\",\"query\":\"" + query + "\"}";
    }

    private static String binary(String type, String a, String b) {
        return "{\"node_type\":\"" + type + "\",\"left_node\":" + sqlNode(a) + ",\"right_node\":" + sqlNode(b) + "}";
    }

    private static Arguments output(String expression, String expected) {
        return Arguments.of(expression, expected);
    }

    private static Arguments error(String expression, String phrase) {
        return Arguments.of(expression, phrase);
    }
}
