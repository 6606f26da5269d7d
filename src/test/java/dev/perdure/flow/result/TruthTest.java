package dev.perdure.flow.result;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TruthTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "true",
                "1",
                "-0.5",
                "\"true\"",
                "\" T \"",
                "\"yes\"",
                "\"off\"",
                "\"n\"",
                "\"disabled\"",
                "\"1e3\"",
                "\"inf\"",
                "\"nan\"",
                "\"0d\"",
                "\"0x0\"",
                "[0]",
                "{\"a\":null}",
                "1e-400",
                "\"٠\""
            })
    void these_first_columns_are_true(String value) {
        assertThat(first(value)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "false",
                "0",
                "0.0",
                "-0",
                "\"\"",
                "\"  \"",
                "\"false\"",
                "\"F\"",
                "\"no\"",
                "\"0\"",
                "\"0.0000\"",
                "\"-0e5\"",
                "\".0\"",
                "[]",
                "{}",
                "null"
            })
    void these_are_false(String value) {
        assertThat(first(value)).isFalse();
    }

    @Test
    void no_rows_are_false_and_a_row_without_columns_is_true() {
        assertThat(Truth.of(new Result("{\"rows\":[],\"row_count\":0}", "[]"))).isFalse();
        assertThat(Truth.of(new Result("{\"rows\":[{}],\"row_count\":1}", "[]")))
                .isTrue();
    }

    @Test
    void the_first_column_is_that_of_the_query_and_not_of_jsonb() {
        Result result = new Result("{\"rows\": [{\"a\": 1, \"zz\": 0}]}", "[[\"zz\",\"int4\"],[\"a\",\"int4\"]]");
        assertThat(Truth.of(result)).isFalse();
    }

    @Test
    void what_has_no_rows_counts_as_a_whole() {
        assertThat(Truth.of(new Result("{\"ok\":false}", null))).isTrue();
        assertThat(Truth.of(new Result("{\"slept\": true, \"seconds\": 0}", null)))
                .isTrue();
        assertThat(Truth.of(new Result("[]", null))).isFalse();
        assertThat(Truth.of(new Result("not json", null))).isFalse();
    }

    private static boolean first(String value) {
        return Truth.of(new Result("{\"rows\":[{\"v\":" + value + "}],\"row_count\":1}", "[[\"v\",\"x\"]]"));
    }
}
