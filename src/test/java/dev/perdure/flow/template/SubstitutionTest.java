package dev.perdure.flow.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.flow.RowStore;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SubstitutionTest {

    private static final Map<String, Result> RESULTS = new HashMap<>();

    static {
        rows("n", "{\"v\":42}", "[[\"v\",\"int4\"]]");
        rows("neg", "{\"v\":-5}", "[[\"v\",\"int4\"]]");
        rows("b", "{\"v\":true}", "[[\"v\",\"bool\"]]");
        rows("t", "{\"v\":\"it's\"}", "[[\"v\",\"text\"]]");
        rows("back", "{\"v\":\"a\\\\'b\"}", "[[\"v\",\"text\"]]");
        rows("dollar", "{\"v\":\"a$$b$x$\"}", "[[\"v\",\"text\"]]");
        rows("dq", "{\"v\":\"a\\\"b\"}", "[[\"v\",\"text\"]]");
        rows("nul", "{\"v\":null}", "[[\"v\",\"int4\"]]");
        rows("obj", "{\"v\":{\"zz\": 1.10, \"a\": \"it's\"}}", "[[\"v\",\"jsonb\"]]");
        rows("none", "", "[[\"id\",\"int4\"],[\"name\",\"text\"]]");
        rows("nocols", "{}", "[]");
        rows("order", "{\"a\":1,\"zz\":2}", "[[\"zz\",\"int4\"],[\"a\",\"int4\"]]");
        rows("ids", "{\"id\":1},{\"id\":2},{\"id\":null}", "[[\"id\",\"int4\"]]");
        rows("names", "{\"id\":1,\"s\":\"x\"},{\"id\":2,\"s\":\"y'z\"}", "[[\"id\",\"int8\"],[\"s\",\"text\"]]");
        rows("arr", "{\"v\":[1,2]}", "[[\"v\",\"int4[]\"]]");
        rows("empty", "{\"v\":[]}", "[[\"v\",\"int4[]\"]]");
        rows("texts", "{\"a\":7,\"b\":[\"x\",\"y'z\"]}", "[[\"a\",\"int4\"],[\"b\",\"text[]\"]]");
        rows("nularr", "{\"v\":null}", "[[\"v\",\"int4[]\"]]");
        rows("noarr", "", "[[\"v\",\"int4[]\"]]");
        rows("js", "{\"v\":\"s\"},{\"v\":{\"b\":1}}", "[[\"v\",\"jsonb\"]]");
        rows("tagged", "{\"v\":\"a$f$b\"}", "[[\"v\",\"text\"]]");
        rows("num", "{\"v\":\"1.50\"}", "[[\"v\",\"numeric\"]]");
        rows(
                "at",
                "{\"v\":\"2026-01-31T12:00:00+00:00\",\"d\":\"2026-01-31\",\"u\":\"x\",\"e\":\"sad\",\"c\":\"public.t\"}",
                "[[\"v\",\"timestamptz\"],[\"d\",\"date\"],[\"u\",\"varchar\"],[\"e\",\"\\\"app\\\".\\\"mood\\\"\"],[\"c\",\"regclass\"]]");
        rows("_x9", "{\"v\":9}", "[[\"v\",\"int4\"]]");
        RESULTS.put("http", new Result("{\"status\":200,\"body\":\"ok\",\"none\":null}", null));
        RESULTS.put("list", new Result("[1,\"a\"]", null));
        RESULTS.put("bad", new Result("{oops", null));
    }

    private static void rows(String name, String rows, String columns) {
        RESULTS.put(name, new Result("{\"rows\":[" + rows + "],\"row_count\":0}", columns));
    }

    private static Substitution substitution() {
        Map<String, String> vars =
                Map.of("v", "val'ue", "ref", "$n", "brace", "{v}", "sys_label", "mine", "bs", "a\\'b");
        return new Substitution(new Variables("a1b2c3d4", null, vars), RESULTS::get);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{v}|val'ue",
                "{unknown} {v}|{unknown} val'ue",
                "{\"a\":\"{v}\"}|{\"a\":\"val'ue\"}",
                "{{v}}|{val'ue}",
                "{ v}|{ v}",
                "{v|{v",
                "{brace}|{v}",
                "{ref}|42",
                "[{sys_instance_id}][{sys_label}]|[a1b2c3d4][]",
                "$n|42",
                "$n.|42.",
                "$n+1|42+1",
                "$nn $unknown $ $1 $n2|$nn $unknown $ $1 $n2",
                "$b|true",
                "$t|'it''s'",
                "$back|E'a\\\\''b'",
                "$obj|'{\"a\":\"it''s\",\"zz\":1.10}'",
                "$order|2",
                "$order.a|1",
                "$order.row_count|$order.row_count",
                "$n.missing|$n.missing",
                "$n.missing?|NULL",
                "$nul?|NULL",
                "$nul.v?|NULL",
                "$none?|NULL",
                "$none.id?|NULL",
                "$http|'{\"body\":\"ok\",\"none\":null,\"status\":200}'",
                "$http?|'{\"body\":\"ok\",\"none\":null,\"status\":200}'",
                "$http.status|200",
                "$http.body|'ok'",
                "$http.nope|$http.nope",
                "$http.none?|NULL",
                "$list|'[1,\"a\"]'",
                "$_x9|9",
                "1 -$neg|1 - -5",
                "$names.*|(VALUES (1::int8, 'x'::text), (2::int8, 'y''z'::text)) AS \"names\"(\"id\", \"s\")",
                "$none.*|(SELECT NULL::int4, NULL::text WHERE false) AS \"none\"(\"id\", \"name\")",
                "$neg.*|(VALUES ((-5)::int4)) AS \"neg\"(\"v\")",
                "$arr.*|(VALUES (ARRAY[1,2]::int4[])) AS \"arr\"(\"v\")",
                "$js.*|(VALUES ('\"s\"'::jsonb), ('{\"b\":1}'::jsonb)) AS \"js\"(\"v\")",
                "$ids[]|ARRAY[1,2,NULL]::int4[]",
                "$names.s[]|ARRAY['x','y''z']::text[]",
                "$none[]|ARRAY[]::int4[]",
                "$none.name[]|ARRAY[]::text[]",
                "id = ANY($ids)|id = ANY(ARRAY[1,2,NULL]::int4[])",
                "id = any ( $ids )|id = any ( ARRAY[1,2,NULL]::int4[] )",
                "id <> ALL($none)|id <> ALL(ARRAY[]::int4[])",
                "id = SOME($ids)|id = SOME(ARRAY[1,2,NULL]::int4[])",
                "many($n)|many(42)",
                "id = ANY($arr)|id = ANY(ARRAY[1,2]::int4[])",
                "id = ANY($arr.v)|id = ANY(ARRAY[1,2]::int4[])",
                "id = ANY($empty)|id = ANY(ARRAY[]::int4[])",
                "s = ANY($texts.b)|s = ANY(ARRAY['x','y''z']::text[])",
                "id = ANY($texts)|id = ANY(ARRAY[7]::int4[])",
                "unnest($arr)|unnest('[1,2]')",
                "s = ANY($names.s)|s = ANY('x')",
                "id = ANY($list)|id = ANY('[1,\"a\"]')",
                "id IN ($ids)|id IN (1)",
                "SELECT $num + $num.v|SELECT '1.50'::numeric + '1.50'::numeric",
                "SELECT $at + $at.d|SELECT '2026-01-31T12:00:00+00:00'::timestamptz + '2026-01-31'::date",
                "SELECT $at.u, $at.e, $at.c|SELECT 'x', 'sad'::\"app\".\"mood\", 'public.t'",
                "SELECT $obj, $arr, $n|SELECT '{\"a\":\"it''s\",\"zz\":1.10}', '[1,2]', 42",
                "ALTER ROLE r VALID UNTIL $at|ALTER ROLE r VALID UNTIL '2026-01-31T12:00:00+00:00'",
                "CREATE TABLE t AS SELECT $num AS n|CREATE TABLE t AS SELECT '1.50'::numeric AS n",
                "DO $f$ BEGIN PERFORM $num; END $f$|DO $f$ BEGIN PERFORM '1.50'::numeric; END $f$",
                "VACUUM \"$t\"|VACUUM \"it's\"",
                "SELECT \"$dq\", \"$n\".\"$obj\"|SELECT \"a\"\"b\", \"42\".\"{\"\"a\"\":\"\"it's\"\",\"\"zz\"\":1.10}\"",
                "DO $f$ BEGIN PERFORM \"$dq\"; END $f$|DO $f$ BEGIN PERFORM \"a\"\"b\"; END $f$",
                "SELECT {v:literal}, {v:ident}|SELECT 'val''ue', \"val'ue\"",
                "SELECT {ref:literal} + {ref}, {bs:literal}|SELECT '$n' + 42, E'a\\\\''b'",
                "SELECT {sys_label:literal}, {sys_instance_id:ident}|SELECT '', \"a1b2c3d4\"",
                "SELECT '{nope:literal}' -- {nope:ident}|SELECT '{nope:literal}' -- {nope:ident}",
                "SELECT {v:other}|SELECT {v:other}",
            })
    void in_sql(String template, String expected) {
        assertThat(substitution().sql(template)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "$t and {v}|it's and val'ue",
                "$n|42",
                "$nul?|null",
                "$none?|null",
                "$n.missing?|null",
                "$obj|{\"a\":\"it's\",\"zz\":1.10}",
                "'$t'|'it's'",
                "$names.*|[{\"id\":1,\"s\":\"x\"},{\"id\":2,\"s\":\"y'z\"}]",
                "$none.*|[]",
                "$ids[]|[1,2,null]",
                "$http|{\"body\":\"ok\",\"none\":null,\"status\":200}",
            })
    void raw(String template, String expected) {
        assertThat(substitution().raw(template)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "$none|$none has no rows — query returned zero results",
                "$none.id|$none has no rows — query returned zero results",
                "$nul|$nul is NULL — first column of first row is NULL",
                "$nul.v|$nul.v is NULL",
                "$http.none|$http.none is NULL",
                "$nocols|$nocols: first row has no columns",
                "$list.a|$list.a: result is neither a row set nor a JSON object",
                "$bad.a|$bad.a: result is not valid JSON",
                "$http.*|$http.* — invalid result format",
            })
    void an_error_instead_of_a_value(String template, String message) {
        assertThatThrownBy(() -> substitution().sql(template)).hasMessage(message);
        assertThatThrownBy(() -> substitution().raw(template)).hasMessage(message);
    }

    @Test
    void any_of_an_array_that_is_not_there_is_an_error_and_not_an_empty_array() {
        assertThatThrownBy(() -> substitution().sql("id = ANY($nularr)"))
                .hasMessage("$nularr is NULL — first column of first row is NULL");
        assertThatThrownBy(() -> substitution().sql("id = ANY($nularr.v)")).hasMessage("$nularr.v is NULL");
        assertThatThrownBy(() -> substitution().sql("id = ANY($noarr)"))
                .hasMessage("$noarr has no rows — query returned zero results");
    }

    @Test
    void a_missing_field_is_an_error_in_raw_text() {
        assertThatThrownBy(() -> substitution().raw("$order.col"))
                .hasMessage("$order.col: result has no field 'col' (available: a, zz)");
    }

    @Test
    void a_row_set_has_a_limit() {
        String many = "{\"id\":1}" + ",{\"id\":1}".repeat(10_000);
        Result result = new Result("{\"rows\":[" + many + "],\"row_count\":10001}", "[[\"id\",\"int4\"]]");
        Substitution big = new Substitution(new Variables("i", null, Map.of()), name -> result);
        assertThatThrownBy(() -> big.sql("$big.*"))
                .hasMessageStartingWith("$big.* — result has 10001 rows, exceeding the maximum of 10000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT '$t'",
                "SELECT 'a''$t'",
                "SELECT 'a\\' || '$t'",
                "SELECT E'a\\'$t'",
                "SELECT e'a''\\'$t'",
                "SELECT E'a'\n'b\\'$t'",
                "SELECT E'a' -- c\n'b\\'$t'",
                "SELECT U&'$t'",
                "SELECT 1 -- $t",
                "SELECT 1 /* $t */",
                "SELECT 1 /* /* */ $t */",
                "SELECT U&\"$back\"",
                "DO $f$ BEGIN PERFORM \"$tagged\"; END $f$",
                "SELECT $$ $dollar $$",
                "SELECT $x$ $dollar $x$",
                "DO $f$ BEGIN PERFORM '$t'; END $f$",
                "/* c */ do $f$ BEGIN EXECUTE $q$ SELECT '$t' $q$; END $f$",
                "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$ SELECT '$t' $f$",
                "SELECT '$http'",
                "SELECT '$names.*'",
                "SELECT a$b$ || '$t'",
                "SELECT $tag$ $t $tag$, $other '$t'",
            })
    void text_is_refused_where_it_would_be_run(String template) {
        assertThatThrownBy(() -> substitution().sql(template))
                .isInstanceOf(SubstitutionException.class)
                .hasMessageContaining("executed as SQL");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "SELECT 'n = $n'|SELECT 'n = 42'",
                "SELECT '{v}'|SELECT 'val'ue'",
                "-- c\\nSELECT $t|-- c\\nSELECT 'it''s'",
                "SELECT 'a''b', $t|SELECT 'a''b', 'it''s'",
                "SELECT 'a\\', $t|SELECT 'a\\', 'it''s'",
                "SELECT E'a\\\\', $t|SELECT E'a\\\\', 'it''s'",
                "SELECT \"'\", $t|SELECT \"'\", 'it''s'",
                "SELECT /* ' */ $t|SELECT /* ' */ 'it''s'",
                "SELECT 2 - 1, 4 / $t|SELECT 2 - 1, 4 / 'it''s'",
                "SELECT $$it's $t$$|SELECT $$it's 'it''s'$$",
                "DO $f$ BEGIN PERFORM $t; END $f$|DO $f$ BEGIN PERFORM 'it''s'; END $f$",
                "SELECT $$'$$, $t|SELECT $$'$$, 'it''s'",
                "SELECT 'a' - 'b\\', $t|SELECT 'a' - 'b\\', 'it''s'",
            })
    void and_put_in_everywhere_else(String template, String expected) {
        String sql = template.replace("\\n", "\n");
        assertThat(substitution().sql(sql)).isEqualTo(expected.replace("\\n", "\n"));
    }

    @Test
    void a_result_substitutes_to_the_same_text_after_a_reload_from_jsonb() {
        String columns = "[[\"zz\",\"int4\"],[\"a\",\"json\"],[\"n\",\"numeric\"]]";
        Result fresh = new Result(
                "{\"rows\":[{\"zz\":1,\"a\":{\"y\":1.50,\"xx\":[],\"b\":1e2,\"y\":2.50},\"n\":\"1.50\"}],\"row_count\":1}",
                columns);
        Result stored = new Result(RowStore.jsonb(fresh.json()), RowStore.jsonb(columns));
        for (String template : new String[] {"$r", "$r.a", "$r.*", "$r[]", "$r.n", "$r.a[]"}) {
            String before = new Substitution(new Variables("i", null, Map.of()), name -> fresh).sql(template);
            String after = new Substitution(new Variables("i", null, Map.of()), name -> stored).sql(template);
            assertThat(after).isEqualTo(before);
        }
        assertThat(ResultDocument.canonical(stored))
                .isEqualTo(ResultDocument.canonical(fresh))
                .startsWith("{\"rows\":[{\"zz\":1,\"a\":{\"b\":100,\"y\":2.50,\"xx\":[]}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "SELECT '{v:literal}'|{v:literal} stands inside quotes or a comment",
                "SELECT \"{v:ident}\"|{v:ident} stands inside quotes or a comment",
                "SELECT 1 -- {v:literal}|{v:literal} stands inside quotes or a comment",
                "SELECT $order.{bs:literal}|{bs:literal} stands directly behind a reference",
                "SELECT {nope:literal}|{nope:literal}: there is no variable of this name",
                "SELECT \"$names.*\"|$names.* stands in double quotes, where one identifier belongs",
                "SELECT \"$ids[]\"|an array stands in double quotes, where one identifier belongs",
                "SELECT \"$nul?\"|an identifier in double quotes cannot be NULL",
                "SELECT \"$order.no\"|$order.no: result has no field 'no' (available: a, zz)",
            })
    void what_brings_quotes_of_its_own_stands_outside_of_others(String template, String message) {
        assertThatThrownBy(() -> substitution().sql(template)).hasMessageStartingWith(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"a\": \"$dq\"}|{\"a\": \"a\\\"b\"}",
                "{\"a\": \"it \\\" is $dq and $n\", \"b\": $n}|{\"a\": \"it \\\" is a\\\"b and 42\", \"b\": 42}",
                "[$names.*, $ids[]]|[[{\"id\":1,\"s\":\"x\"},{\"id\":2,\"s\":\"y'z\"}], [1,2,null]]",
                "{\"a\": \"$obj\"}|{\"a\": \"{\\\"a\\\":\\\"it's\\\",\\\"zz\\\":1.10}\"}",
                "{\"a\": \"$$n $$$n $$\"}|{\"a\": \"$n $42 $\"}",
            })
    void in_the_quotes_of_a_json_body_a_value_is_escaped(String template, String expected) {
        assertThat(substitution().jsonWithSecrets(template)).isEqualTo(expected);
    }

    @Test
    void two_dollar_signs_are_one_in_requests_only() {
        assertThat(substitution().part("$$n=$n&$$top")).isEqualTo("$n=42&$top");
        assertThat(substitution().raw("$$n")).isEqualTo("$42");
        assertThat(substitution().sql("SELECT $$a$$, $n")).isEqualTo("SELECT $$a$$, 42");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "$n|42|42",
                "$b|true|true",
                "$t|it's|\"it's\"",
                "$num|1.50|\"1.50\"",
                "$obj|{\"a\":\"it's\",\"zz\":1.10}|{\"a\":\"it's\",\"zz\":1.10}",
                "$nul|-|null",
                "$nul.v|-|null",
                "$nul?|-|null",
                "$none?|-|null",
                "$none.id?|-|null",
                "$order.no?|-|null",
                "$unbound?|-|null",
                "$unbound[]?|-|null",
                "$order.a|1|1",
                "$arr|{\"1\",\"2\"}|[1,2]",
                "$empty|{}|[]",
                "$texts.b|{\"x\",\"y'z\"}|[\"x\",\"y'z\"]",
                "$ids[]|{\"1\",\"2\",NULL}|[1,2,null]",
                "$ids[]?|{\"1\",\"2\",NULL}|[1,2,null]",
                "$back[]|{\"a\\\\'b\"}|[\"a\\\\'b\"]",
                "$js[]|{\"\\\"s\\\"\",\"{\\\"b\\\":1}\"}|[\"s\",{\"b\":1}]",
                "$none[]|{}|[]",
                "$list|[1,\"a\"]|[1,\"a\"]",
                "$http.status|200|200",
                "{v}|val'ue|\"val'ue\"",
                "{ref}|42|\"42\"",
                "<$n>|<42>|\"<42>\"",
                "n=$n, $t|n=42, it's|\"n=42, it's\"",
                "$ids.*|[{\"id\":1},{\"id\":2},{\"id\":null}]|\"[{\\\"id\\\":1},{\\\"id\\\":2},{\\\"id\\\":null}]\"",
                "$$n|$n|\"$n\"",
            })
    void a_parameter_is_a_value_or_a_text(String template, String text, String json) {
        Statement statement = substitution().statement("SELECT $1", List.of(template));
        assertThat(statement.sql()).isEqualTo("SELECT $1");
        assertThat(statement.parameters()).containsExactly(new Parameter(text.equals("-") ? null : text, json));
        assertThat(statement.params()).isEqualTo("[" + json + "]");
        assertThat(statement.toString()).as("what a log could show").doesNotContain("it's");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "$none|$none has no rows — query returned zero results",
                "$order.no|$order.no: result has no field 'no' (available: a, zz)",
                "$list.a|$list.a: result is neither a row set nor a JSON object",
                "$http[]|$http[]: result is not a row set",
                "$unbound|$unbound: nothing of this name has a result here",
                "$bad|$bad: result is not valid JSON",
            })
    void a_parameter_without_a_value_is_an_error(String template, String message) {
        assertThatThrownBy(() -> substitution().statement("SELECT $1", List.of(template)))
                .hasMessage(message);
    }

    @Test
    void results_with_more_values_than_there_is_memory_for_are_not_taken_apart() {
        Result dense = new Result("[" + "{},".repeat(40_000) + "0]", null);
        Result same = new Result(dense.json(), null);
        TextBudget budget = new TextBudget(new TextLimits(1_000_000, 1_000_000, 12_000_000));
        Map<String, Result> results = Map.of("a", dense, "b", same);

        assertThat(new Substitution(new Variables("a1b2c3d4", null, Map.of()), results::get, budget)
                        .raw("$a[40001] $a[40001]"))
                .isEqualTo("0 0");
        assertThatThrownBy(() -> new Substitution(new Variables("a1b2c3d4", null, Map.of()), results::get, budget)
                        .raw("$a[40001] $b[40001]"))
                .isInstanceOf(SubstitutionException.class)
                .hasMessageContaining("too many values");
    }
}
