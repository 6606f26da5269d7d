package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a statement returned, as the JSON document that its node keeps (specification 4.6, docs/compatibility). */
class ResultDocumentTest {

    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database, Map.of("perdure.step.max-result-size", "100K"));
        app = Submitter.of(database, "result_app");
        app.execute("CREATE TYPE mood AS ENUM ('sad', 'so so'); CREATE DOMAIN grade AS int CHECK (VALUE < 7);"
                + " CREATE DOMAIN grades AS int[]; CREATE TYPE pair AS (a int, b text);"
                + " CREATE TABLE kept (id serial, v text)");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    private static Submitter.Ended query(String sql) throws SQLException {
        return app.run("$df$" + sql + "$df$");
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    true                                                | true
                    NULL::int                                           | null
                    9223372036854775807                                 | 9223372036854775807
                    1.50::numeric(10,4)                                 | "1.5000"
                    1e-9::numeric                                       | "0.000000001"
                    1e20::numeric                                       | "100000000000000000000"
                    'NaN'::numeric                                      | "NaN"
                    3.14::float4                                        | 3.14
                    0.1::float8 + 0.2::float8                           | 0.30000000000000004
                    'Infinity'::float8                                  | null
                    'a"b\\c'                                            | "a\\"b\\\\c"
                    E'tab\\there\\nand ä€😀'                             | "tab\\there\\nand ä€😀"
                    'ab'::char(4)                                       | "ab  "
                    '2026-01-31 12:00:00+02'::timestamptz               | "2026-01-31T10:00:00+00:00"
                    '2026-01-31 12:00:00.5+00'::timestamptz             | "2026-01-31T12:00:00.500+00:00"
                    '2026-01-31 12:00:00.000123'::timestamp             | "2026-01-31T12:00:00.000123"
                    '12026-01-31 12:00:00'::timestamp                   | "12026-01-31 12:00:00"
                    'infinity'::timestamptz                             | "infinity"
                    '-infinity'::date                                   | "-infinity"
                    '2026-01-31'::date                                  | "2026-01-31"
                    '13:00'::time                                       | "13:00:00"
                    '1 day 2 hours'::interval                           | "1 day 02:00:00"
                    ARRAY[1,NULL,3]                                     | [1,null,3]
                    ARRAY[[1,2],[3,4]]                                  | [[1,2],[3,4]]
                    ARRAY['a,b','"q"','NULL',NULL,'{}']                 | ["a,b","\\"q\\"","NULL",null,"{}"]
                    '[0:1]={7,8}'::int[]                                | [7,8]
                    ARRAY[]::text[]                                     | []
                    ARRAY['2026-01-31 12:00:00+00'::timestamptz]        | ["2026-01-31T12:00:00+00:00"]
                    ARRAY['{"a": 1}'::jsonb]                            | [{"a":1}]
                    ARRAY['so so','sad']::mood[]                        | ["so so","sad"]
                    'so so'::mood                                       | "so so"
                    6::grade                                            | 6
                    ARRAY[1,2]::grades                                  | [1,2]
                    (1,'x')::pair                                       | "(1,x)"
                    ARRAY[(1,'x')::pair]                                | ["(1,x)"]
                    '{"b": 1.10, "a": [null, "x"]}'::json               | {"a":[null,"x"],"b":1.10}
                    '{"b": 1, "a": 2}'::jsonb                           | {"a":2,"b":1}
                    'null'::jsonb                                       | null
                    'df'::regnamespace                                  | "df"
                    17::oid                                             | 17
                    'a1b2c3d4-0000-0000-0000-00000000000A'::uuid        | "a1b2c3d4-0000-0000-0000-00000000000a"
                    '10.0.0.1/8'::inet                                  | "10.0.0.1/8"
                    B'101'                                              | "101"
                    int4range(1, 5)                                     | "[1,5)"
                    '1.5'::money                                        | "$1.50"
                    '(1,2),(3,4)'::box                                  | "(3,4),(1,2)"
                    ARRAY['(1,2),(3,4)'::box, '(0,0),(1,1)']            | ["(3,4),(1,2)","(1,1),(0,0)"]
                    pg_sleep(0)                                         | null
                    """)
    void a_value_becomes_json(String expression, String json) throws SQLException {
        var ended = query("SELECT " + expression + " AS v");

        assertThat(ended.output()).isEqualTo("{\"rows\":[{\"v\":" + json + "}],\"row_count\":1}");
        assertThat(app.value(
                        "SELECT (result -> 'rows' -> 0 -> 'v')::text FROM df.nodes WHERE instance_id = ?", ended.id()))
                .as("also in the node's row")
                .isEqualTo(app.value("SELECT (?::jsonb)::text", json));
    }

    @Test
    void bytea_is_refused_with_a_hint_and_the_statement_is_rolled_back() throws SQLException {
        var ended = query("INSERT INTO kept (v) VALUES ('bytea') RETURNING 'x'::bytea AS raw");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("Unsupported column type 'BYTEA' for column 'raw'", "encode(");
        assertThat(app.value("SELECT count(*) FROM kept WHERE v = 'bytea'")).isEqualTo("0");
    }

    @Test
    void a_result_that_is_too_large_is_rolled_back() throws SQLException {
        var ended = query("INSERT INTO kept (v) SELECT repeat('large', 100) FROM generate_series(1, 1000) RETURNING v");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("larger than perdure.step.max-result-size");
        assertThat(app.value("SELECT count(*) FROM kept WHERE v LIKE 'large%'")).isEqualTo("0");
        assertThat(query("SELECT 1").status()).as("the next step").isEqualTo("completed");
    }

    @Test
    void a_single_value_that_is_too_large_is_not_even_decoded() throws SQLException {
        var ended = query("SELECT repeat('x', 50000000)");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("larger than perdure.step.max-result-size");
    }

    @Test
    void text_that_counts_by_bytes_is_measured_in_bytes() throws SQLException {
        var ended = query("SELECT repeat('€', 40000)");

        assertThat(ended.output()).contains("larger than perdure.step.max-result-size");
    }

    @Test
    void of_columns_of_the_same_name_the_last_one_counts() throws SQLException {
        assertThat(query("SELECT 1 AS a, 2 AS b, 'x' AS a").output())
                .isEqualTo("{\"rows\":[{\"a\":\"x\",\"b\":2}],\"row_count\":1}");
    }

    @Test
    void columns_keep_the_order_of_the_query_and_strange_names() throws SQLException {
        assertThat(query("SELECT 1 AS z, 2 AS \"a \"\"quoted\"\"\", 3").output())
                .isEqualTo("{\"rows\":[{\"z\":1,\"a \\\"quoted\\\"\":2,\"?column?\":3}],\"row_count\":1}");
    }

    @Test
    void a_statement_without_rows_has_an_empty_document() throws SQLException {
        assertThat(query("INSERT INTO kept (v) VALUES ('x'), ('y')").output())
                .isEqualTo("{\"rows\":[],\"row_count\":0}");
        assertThat(query("-- nothing but a comment").output()).isEqualTo("{\"rows\":[],\"row_count\":0}");
        assertThat(query("SELECT").output()).isEqualTo("{\"rows\":[{}],\"row_count\":1}");
    }

    @Test
    void a_set_without_rows_keeps_its_columns_for_later_steps() throws SQLException {
        var ended = app.run("'SELECT 1::int8 AS id, ''x''::text AS name WHERE false' |=> 'none'"
                + " ~> 'SELECT count(*) AS n, pg_typeof(max(id))::text AS t FROM $none.*'");

        assertThat(app.result(ended.id()).at("/rows/0/n").asInt()).isZero();
        assertThat(app.result(ended.id()).at("/rows/0/t").asText()).isEqualTo("bigint");
    }

    @Test
    void a_row_set_keeps_its_types_also_after_memory_was_lost() throws SQLException {
        String expression = "'SELECT 1.50::numeric AS price, ARRAY[1,2] AS list, now()::timestamptz AS at,"
                + " NULL::date AS day, ''so so''::mood AS mood' |=> 'r' ~> df.sleep(1) ~>"
                + " 'SELECT pg_typeof(price) AS a, pg_typeof(list) AS b, pg_typeof(at) AS c, pg_typeof(day) AS d,"
                + " pg_typeof(mood) AS e, price FROM $r.*'";

        String first = app.run(expression).output();
        String id = app.start(expression);
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", id);
        worker.loseMemory();

        assertThat(first)
                .contains(
                        "\"numeric\"", "\"integer[]\"", "\"timestamp with time zone\"", "\"date\"", "\"mood\"", "1.50");
        assertThat(app.await(id).output()).isEqualTo(first);
    }

    @Test
    void a_character_that_jsonb_cannot_hold_fails_the_step_and_nothing_else() throws SQLException {
        var ended = query("SELECT '\"\\u0000\"'::json AS v");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("SQL execution failed");
        assertThat(query("SELECT 1").status()).isEqualTo("completed");
    }

    @Test
    void a_call_returns_the_values_of_its_out_parameters() throws SQLException {
        app.execute("CREATE OR REPLACE PROCEDURE twice(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n * 2; END $$");

        assertThat(query("CALL twice(21)").output()).isEqualTo("{\"rows\":[{\"n\":42}],\"row_count\":1}");
    }
}
