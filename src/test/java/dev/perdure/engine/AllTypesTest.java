package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * All types that the server under test has: a value of each comes through a named result into a later step with its type
 * and its text. A type that a new version of PostgreSQL brings fails this test until it has a sample here.
 */
class AllTypesTest {

    /** Expressions by type. Where PostgreSQL cannot read a type, an expression that makes a value, or none. */
    private static final Map<String, String> SAMPLES = new TreeMap<>();

    /** Read by nobody: they come through as text. */
    private static final List<String> AS_TEXT = List.of(
            "pg_node_tree",
            "pg_ndistinct",
            "pg_dependencies",
            "pg_mcv_list",
            "gtsvector",
            "pg_brin_bloom_summary",
            "pg_brin_minmax_multi_summary");

    static {
        sample("bool", "true");
        sample("int2", "'-7'");
        sample("int4", "'-2147483648'");
        sample("int8", "'-9223372036854775808'");
        sample("float4", "'1.5e-30'");
        sample("float8", "'0.1'");
        sample("numeric", "'-12345678901234567890.1200'");
        sample("money", "'-12.34'");
        sample("text", "'it''s \\ $x {y}'");
        sample("varchar", "'v'");
        sample("bpchar", "'b '");
        sample("char", "'c'");
        sample("name", "'n'");
        sample("date", "'2026-02-28'");
        sample("time", "'23:59:59.999999'");
        sample("timetz", "'23:59:59+05:30'");
        sample("timestamp", "'2026-02-28 01:02:03.04'");
        sample("timestamptz", "'2026-02-28 01:02:03.04+01'");
        sample("interval", "'1 year -2 days 03:00'");
        sample("uuid", "'a1b2c3d4-0000-0000-0000-00000000000a'");
        sample("json", "'{\"a\":[1,null,\"x\"]}'");
        sample("jsonb", "'[{\"a\":1.10},[]]'");
        sample("jsonpath", "'$.\"a\"[*]'");
        sample("xml", "'<a b=\"c\">d</a>'");
        sample("inet", "'10.0.0.1/8'");
        sample("cidr", "'10.0.0.0/8'");
        sample("macaddr", "'08:00:2b:01:02:03'");
        sample("macaddr8", "'08:00:2b:01:02:03:04:05'");
        sample("bit", "B'10110'");
        sample("varbit", "B'10110'");
        sample("point", "'(1,2)'");
        sample("line", "'{1,-2,3}'");
        sample("lseg", "'[(1,2),(3,4)]'");
        sample("box", "'(3,4),(1,2)'");
        sample("path", "'((1,2),(3,4))'");
        sample("polygon", "'((1,2),(3,4),(5,6))'");
        sample("circle", "'<(1,2),3>'");
        sample("tsvector", "'''fat'':2A ''it''''s'':1'");
        sample("tsquery", "'''fat'' & !''cat'':*'");
        sample("oid", "'4294967295'");
        sample("xid", "'17'");
        sample("xid8", "'18446744073709551615'");
        sample("cid", "'5'");
        sample("tid", "'(1,2)'");
        sample("pg_lsn", "'16/B374D848'");
        sample("pg_snapshot", "'10:20:10,14'");
        sample("txid_snapshot", "'10:20:10,14'");
        sample("aclitem", "'postgres=r/postgres'");
        sample("refcursor", "'a cursor'");
        sample("int2vector", "'1 -2'");
        sample("oidvector", "'1 2'");
        sample("regclass", "'pg_catalog.pg_class'");
        sample("regtype", "'integer[]'");
        sample("regproc", "'pg_catalog.pg_backend_pid'");
        sample("regprocedure", "'abs(integer)'");
        sample("regoper", "'||/'");
        sample("regoperator", "'+(integer,integer)'");
        sample("regnamespace", "'pg_catalog'");
        sample("regrole", "'postgres'");
        sample("regconfig", "'english'");
        sample("regdictionary", "'simple'");
        sample("regcollation", "'\"C\"'");
        sample("regdatabase", "'postgres'");
        sample("oid8", "'18446744073709551615'");
        for (String range : List.of("int4", "int8", "num")) {
            sample(range + "range", "'[1,5)'");
            sample(range + "multirange", "'{[1,3),[5,8)}'");
        }
        for (String range : List.of("date", "ts", "tstz")) {
            sample(range + "range", "'[2026-01-01,2026-02-01)'");
            sample(range + "multirange", "'{[2026-01-01,2026-02-01)}'");
        }
    }

    private static void sample(String type, String expression) {
        SAMPLES.put(type, expression);
    }

    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "types_app");
        // Off the search path, and with names that PostgreSQL's own types have.
        database.asSuperuser("CREATE SCHEMA \"odd \"\"one\" AUTHORIZATION types_app");
        app.execute("SET search_path = \"odd \"\"one\"; CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s');"
                + " CREATE TYPE json AS ENUM ('no json'); CREATE DOMAIN grade AS int CHECK (VALUE < 7);"
                + " CREATE DOMAIN grades AS int[]; CREATE DOMAIN doc AS jsonb; CREATE DOMAIN grade2 AS grade;"
                + " CREATE TYPE pair AS (a int, b text); CREATE TYPE span AS RANGE (subtype = float8);"
                + " CREATE TYPE _int4 AS ENUM ('no array'); RESET search_path");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    /** A value's way: its type as recorded, and whether type and text arrived. */
    private record Way(String id, String expression) {}

    private static Way send(String expression) throws SQLException {
        String quoted = "SELECT " + expression + " AS v, (" + expression + ")::text AS printed, pg_typeof(" + expression
                + ")::text AS type";
        return new Way(
                String.valueOf(app.value(
                        "SELECT df.start(? |=> 'r' ~> 'SELECT v::text = printed AS same, v::text AS arrived, printed,"
                                + " pg_typeof(v)::text AS arrived_type, type FROM $r.*')",
                        quoted)),
                expression);
    }

    private static String arrival(Way way, boolean asText) throws SQLException {
        var ended = app.await(way.id());
        if (!ended.status().equals("completed")) {
            return way.expression() + ": " + ended.output();
        }
        JsonNode row = app.result(way.id()).at("/rows/0");
        String expected = asText
                ? (row.path("type").asText().endsWith("[]") ? "text[]" : "text")
                : row.path("type").asText();
        boolean same = row.path("same").asBoolean()
                && row.path("arrived_type").asText().equals(expected);
        return same ? "" : way.expression() + ": " + row;
    }

    private static List<String> types(String condition) throws SQLException {
        List<String> types = new ArrayList<>();
        for (List<@Nullable String> row :
                app.rows("SELECT typname FROM pg_type t WHERE typnamespace = 'pg_catalog'::regnamespace"
                        + " AND typrelid = 0 AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AND "
                        + condition
                        + " ORDER BY 1")) {
            types.add(String.valueOf(row.get(0)));
        }
        return types;
    }

    /** As a cast names it. */
    private static String cast(String type) {
        return "pg_catalog.\"" + type + '"';
    }

    @Test
    void there_is_a_sample_of_each_type() throws SQLException {
        TreeSet<String> without = new TreeSet<>(types("typtype <> 'p'"));
        without.removeAll(SAMPLES.keySet());
        without.removeAll(AS_TEXT);
        without.remove("bytea");

        assertThat(without).isEmpty();
    }

    @Test
    void a_value_of_each_type_comes_through_alone_and_in_arrays() throws SQLException {
        List<Way> ways = new ArrayList<>();
        for (String type : types("typtype <> 'p'")) {
            String sample = SAMPLES.get(type);
            if (sample == null || type.equals("xml") && !canReadXml()) {
                continue;
            }
            String value = sample + "::" + cast(type);
            ways.add(send(value));
            ways.add(send("ARRAY[" + value + ", NULL, " + value + "]"));
        }
        List<String> wrong = new ArrayList<>();
        for (Way way : ways) {
            wrong.add(arrival(way, false));
        }
        wrong.removeIf(String::isEmpty);

        assertThat(ways).hasSizeGreaterThan(140);
        assertThat(wrong).isEmpty();
    }

    private static boolean canReadXml() {
        try {
            return "t".equals(app.value("SELECT '<a/>'::xml IS NOT NULL"));
        } catch (SQLException e) {
            // A server without libxml.
            return false;
        }
    }

    @Test
    void types_of_users_come_through_whatever_they_are_called() throws SQLException {
        String s = "\"odd \"\"one\".";
        List<String> expressions = List.of(
                "'it''s'::" + s + "mood",
                "ARRAY['so so','sad']::" + s + "mood[]",
                "'no json'::" + s + "json",
                "'no array'::" + s + "_int4",
                "ARRAY[1,6]::" + s + "grade[]",
                "ARRAY[1,6]::" + s + "grade2[]",
                "(1,'x, \"y\"')::" + s + "pair",
                "ARRAY[(1,'x, \"y\"')::" + s + "pair, NULL]",
                "'[1.5,2)'::" + s + "span",
                "ARRAY['[1.5,2)']::" + s + "span[]",
                "'{[1.5,2)}'::" + s + "span_multirange",
                "'{1,\"{2}\",NULL}'::text[]",
                "ARRAY[[1,2],[3,NULL]]",
                "'{}'::" + s + "mood[]");
        List<Way> ways = new ArrayList<>();
        for (String expression : expressions) {
            ways.add(send(expression));
        }
        List<String> wrong = new ArrayList<>();
        for (Way way : ways) {
            wrong.add(arrival(way, false));
        }
        wrong.removeIf(String::isEmpty);

        assertThat(wrong).isEmpty();
    }

    @Test
    void arrays_of_domains_are_arrays_of_what_is_below() throws SQLException {
        Map<String, String> expected = new LinkedHashMap<>();
        String s = "\"odd \"\"one\".";
        expected.put("ARRAY[1,NULL,6]::" + s + "grade[]", "[1,null,6]");
        expected.put("ARRAY[1,6]::" + s + "grade2[]", "[1,6]");
        expected.put("ARRAY['{1,2}','{3}']::" + s + "grades[]", "[[1,2],[3]]");
        expected.put("ARRAY['{\"a\": [1]}']::" + s + "doc[]", "[{\"a\":[1]}]");
        expected.put("'no json'::" + s + "json", "\"no json\"");
        expected.put("'no array'::" + s + "_int4", "\"no array\"");
        for (Map.Entry<String, String> entry : expected.entrySet()) {
            var ended = app.await(app.value("SELECT df.start(?)", "SELECT " + entry.getKey() + " AS v"));

            assertThat(ended.output()).isEqualTo("{\"rows\":[{\"v\":" + entry.getValue() + "}],\"row_count\":1}");
        }
    }

    @Test
    void what_nobody_can_read_comes_through_as_text() throws SQLException {
        List<Way> ways = new ArrayList<>();
        for (String expression : List.of(
                "(SELECT (1, 'x'))",
                "ARRAY[ROW(1, 'x'), ROW(2, 'y')]",
                "(SELECT conbin FROM pg_constraint WHERE conbin IS NOT NULL LIMIT 1)")) {
            ways.add(send(expression));
        }
        List<String> wrong = new ArrayList<>();
        for (Way way : ways) {
            wrong.add(arrival(way, true));
        }
        wrong.removeIf(String::isEmpty);

        assertThat(wrong).isEmpty();
    }

    @Test
    void rows_of_catalogs_and_their_odd_columns_can_be_results() throws SQLException {
        for (String sql : List.of(
                "SELECT * FROM pg_type LIMIT 5",
                "SELECT * FROM pg_class LIMIT 5",
                "SELECT * FROM pg_stats LIMIT 5",
                "SELECT c FROM pg_class c LIMIT 5",
                "SELECT array_agg(c) FROM (SELECT c FROM pg_namespace c LIMIT 2) x",
                "SELECT * FROM information_schema.tables LIMIT 5",
                "SELECT ARRAY['x']::information_schema.sql_identifier[] AS a")) {
            var ended = app.await(app.value("SELECT df.start(? |=> 'r' ~> 'SELECT count(*) AS n FROM $r.*')", sql));

            assertThat(ended.status()).as(sql + ": " + ended.output()).isEqualTo("completed");
        }
    }

    @Test
    void numbers_without_a_form_in_json_are_null_or_text() throws SQLException {
        var ended = app.run("'SELECT ''NaN''::float8 AS a, ''-Infinity''::float4 AS b, ''Infinity''::numeric AS c,"
                + " ''NaN''::numeric AS d, ARRAY[''NaN'', ''1'']::float8[] AS e' |=> 'r'"
                + " ~> 'SELECT a IS NULL AS a, b IS NULL AS b, c, d, e, pg_typeof(a)::text AS t FROM $r.*'");

        assertThat(ended.output())
                .isEqualTo("{\"rows\":[{\"a\":true,\"b\":true,\"c\":\"Infinity\",\"d\":\"NaN\",\"e\":[null,1],"
                        + "\"t\":\"double precision\"}],\"row_count\":1}");
    }

    @Test
    void bytea_is_refused_in_every_form() throws SQLException {
        for (String expression : List.of("'x'::bytea", "ARRAY['x'::bytea]")) {
            var ended = app.await(app.value("SELECT df.start(?)", "SELECT " + expression + " AS raw"));

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("Unsupported column type 'BYTEA", "for column 'raw'", "encode(");
        }
    }
}
