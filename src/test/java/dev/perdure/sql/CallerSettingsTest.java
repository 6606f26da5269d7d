package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What our functions do, and what their own texts mean, does not depend on what the caller has set. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CallerSettingsTest {

    private static final String ODD =
            """
            SET standard_conforming_strings = off; SET escape_string_warning = off; SET row_security = off;
            SET DateStyle = 'ISO, DMY'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Kolkata';
            SET extra_float_digits = -15; SET bytea_output = 'escape'; SET array_nulls = off;
            SET transform_null_equals = on; SET enable_seqscan = off; SET plan_cache_mode = force_custom_plan;
            """;

    private final SqlSurface sql = new SqlSurface();

    @BeforeAll
    void http_is_allowed() throws SQLException {
        sql.asOwner("SELECT df.grant_usage('alice', include_http => true)");
    }

    static Stream<String> expressions() {
        return Stream.concat(
                Builders.CALLS.stream(),
                Stream.of(
                        "@> ('a' & 'b' | 'c')",
                        "df.with_queue(df.with_queue('x', 'y'), 'z', '$k?')",
                        "df.join3('a', '{ \"node_type\" : \"SQL\", \"query\" : \"b\" }', 'c')",
                        "df.secret('a/b')",
                        "df.explain('df.loop(df.sleep(1) ~> ''SELECT 1'', ''SELECT false'')')",
                        "df.explain('SELECT 1')"));
    }

    @ParameterizedTest
    @MethodSource("expressions")
    void a_builder_builds_the_same(String expression) throws SQLException {
        try (Connection odd = sql.database.connect(ALICE);
                Connection plain = sql.database.connect(ALICE)) {
            odd.createStatement().execute(ODD);
            assertThat(TestDatabase.rows(odd, "SELECT " + expression))
                    .isEqualTo(TestDatabase.rows(plain, "SELECT " + expression));
        }
    }

    @Test
    void an_instance_lives_the_same() throws SQLException {
        try (Connection odd = sql.database.connect(ALICE)) {
            odd.createStatement().execute(ODD);
            assertThat(TestDatabase.rows(odd, "SELECT df.setvar('v', 'x'), df.getvar('v')"))
                    .containsExactly(List.of("OK", "x"));
            String id = TestDatabase.rows(
                            odd, "SELECT df.start('a' ~> df.sleep(1), 'label', options => '{\"vars\":{\"w\":1}}')")
                    .get(0)
                    .get(0);
            assertThat(TestDatabase.rows(odd, "SELECT node_type FROM df.instance_nodes('" + id + "')"))
                    .hasSize(3);
            assertThat(TestDatabase.rows(odd, "SELECT df.status('" + id + "'), df.result('" + id + "')"))
                    .containsExactly(java.util.Arrays.asList("pending", null));
            assertThat(TestDatabase.rows(odd, "SELECT df.explain('" + id + "')")
                            .get(0)
                            .get(0))
                    .startsWith("Instance: " + id + " (label)");
            List<List<String>> page =
                    TestDatabase.rows(odd, "SELECT instance_id, next_cursor FROM df.list_instances(NULL, 1, NULL)");
            assertThat(page).hasSize(1);
            assertThat(TestDatabase.rows(odd, "SELECT df.signal('" + id + "', 'go', '{\"a\":1}')"))
                    .containsExactly(List.of("OK"));
            assertThat(TestDatabase.rows(odd, "SELECT df.cancel('" + id + "', 'no use')"))
                    .containsExactly(List.of("Instance " + id + " cancelled: no use"));
            assertThat(TestDatabase.rows(odd, "SELECT df.await_instance('" + id + "')"))
                    .containsExactly(List.of("cancelled"));
            assertThat(TestDatabase.rows(
                            odd,
                            "SELECT count(*) FROM df.start_many('SELECT {i}', 'SELECT i FROM generate_series(1,3) i')"))
                    .containsExactly(List.of("3"));
        }
    }

    @Test
    void a_function_with_the_owners_rights_pins_what_its_text_means() throws SQLException {
        assertThat(
                        sql.rows(
                                "SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace AND p.prosecdef"
                                        + " AND NOT coalesce(p.proconfig @> '{\"search_path=pg_catalog, pg_temp\",standard_conforming_strings=on}', false)"))
                .isEmpty();
    }

    @Test
    void no_function_leaves_the_meaning_of_a_backslash_to_its_caller() throws SQLException {
        // Behind E'…', which means the same everywhere, none is left.
        assertThat(sql.rows("SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace"
                        + " AND NOT coalesce(p.proconfig @> '{standard_conforming_strings=on}', false)"
                        + " AND strpos(regexp_replace(p.prosrc, 'E''([^'']|'''')*''', '', 'g'), E'\\\\') > 0"))
                .isEmpty();
    }

    @Test
    void a_plan_without_sequential_scans_is_one_without_bitmaps() throws SQLException {
        // Behind a bitmap a list is sorted for its first row.
        assertThat(
                        sql.rows(
                                "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace"
                                        + " AND p.proconfig @> '{enable_seqscan=off}' AND NOT p.proconfig @> '{enable_bitmapscan=off}'"))
                .isEmpty();
    }

    @Test
    void a_plan_without_sequential_scans_joins_by_loops_alone() throws SQLException {
        // A plan from the time when tables were small joins what is asked for with all that there is (FreshTablesTest).
        assertThat(sql.rows("SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace"
                        + " AND p.proconfig @> '{enable_seqscan=off}'"
                        + " AND NOT p.proconfig @> '{enable_hashjoin=off,enable_mergejoin=off}'"))
                .as("but for those that join parts of one document")
                .extracting(row -> String.valueOf(row.get(0)))
                .containsExactlyInAnyOrder("_entries", "_rewound", "_redrive", "_places", "_fork", "_held_above");
    }
}
