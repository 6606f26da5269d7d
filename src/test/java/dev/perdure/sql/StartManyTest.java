package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static dev.perdure.sql.SqlSurface.BOB;
import static dev.perdure.sql.SqlSurface.OWNER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code df.start_many}: an instance for each row of a query, in the caller's transaction and with the caller's rights. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StartManyTest {

    private final SqlSurface sql = new SqlSurface();

    /** An expression of the instances that a call has started, in the order of their ids in its answer. */
    private static List<String> started(Connection session, String call, String what) throws SQLException {
        String ids = TestDatabase.rows(session, "SELECT df.start_many(" + call + ")").stream()
                .map(row -> row.get(0))
                .collect(Collectors.joining(",", "{", "}"));
        return TestDatabase.rows(
                        session,
                        "SELECT " + what + " FROM unnest(?::text[]) WITH ORDINALITY AS s(id, place)"
                                + " JOIN df.instances i ON i.id = s.id ORDER BY s.place",
                        ids)
                .stream()
                .map(row -> row.get(0))
                .toList();
    }

    private List<String> started(String call, String what) throws SQLException {
        try (Connection session = sql.database.connect(ALICE)) {
            return started(session, call, what);
        }
    }

    private String instances() throws SQLException {
        return sql.text("SELECT count(*) FROM df.instances");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 999, 1000, 1001, 2500})
    void the_ids_come_in_the_order_of_the_rows(int rows) throws SQLException {
        // Backwards, so that neither the order of a table nor that of values is the answer by chance.
        assertThat(started("'SELECT {n}', 'SELECT n FROM generate_series(" + rows + ", 1, -1) AS n'", "i.vars ->> 'n'"))
                .containsExactlyElementsOf(IntStream.iterate(rows, n -> n > 0, n -> n - 1)
                        .mapToObj(String::valueOf)
                        .toList());
    }

    @Test
    void a_column_is_a_variable_beside_those_of_the_role_and_comes_before_them() throws SQLException {
        try (Connection session = sql.database.connect(ALICE)) {
            TestDatabase.rows(session, "SELECT df.setvar('both', 'of the role'), df.setvar('role_only', 'r')");
            String id = TestDatabase.rows(
                            session,
                            "SELECT df.start_many('SELECT 1', $$SELECT 'of the row' AS both, 7 AS number, true AS yes,"
                                    + " DATE '2026-01-02' AS day, '{\"a\": [1]}'::jsonb AS doc, 'x\"y' AS \"odd name\"$$)")
                    .get(0)
                    .get(0);
            assertThat(TestDatabase.rows(
                            session,
                            "SELECT vars = ?::jsonb FROM df.instances WHERE id = ?",
                            """
                    {"both": "of the row", "role_only": "r", "number": "7", "yes": "true", "day": "2026-01-02",
                     "doc": "{\\"a\\": [1]}", "odd name": "x\\"y"}""",
                            id))
                    .containsExactly(List.of("t"));
            TestDatabase.rows(session, "SELECT df.unsetvar('both'), df.unsetvar('role_only')");
        }
    }

    @Test
    void a_column_without_a_value_is_no_variable_and_leaves_that_of_the_role() throws SQLException {
        try (Connection session = sql.database.connect(ALICE)) {
            TestDatabase.rows(session, "SELECT df.setvar('kept', 'of the role')");
            assertThat(started(session, "'SELECT 1', 'SELECT NULL::text AS kept, NULL::int AS gone'", "i.vars"))
                    .containsExactly("{\"kept\": \"of the role\"}");
            TestDatabase.rows(session, "SELECT df.unsetvar('kept')");
        }
    }

    @Test
    void the_query_runs_with_the_rights_of_the_caller() throws SQLException {
        sql.database.execute(BOB, "CREATE TABLE public.his (n int); INSERT INTO public.his VALUES (1)");
        String before = instances();
        assertThat(sql.error("SELECT df.start_many('SELECT {n}', 'SELECT n FROM public.his')"))
                .startsWith("42501: ");
        assertThat(sql.error("SELECT df.start_many('SELECT {n}', 'SELECT key AS n FROM df._epoch')"))
                .startsWith("42501: ");
        assertThat(instances()).isEqualTo(before);
        sql.database.execute(
                BOB,
                "ALTER TABLE public.his ENABLE ROW LEVEL SECURITY; GRANT SELECT ON public.his TO alice;"
                        + " CREATE POLICY hers ON public.his FOR SELECT TO alice USING (n > 1);"
                        + " INSERT INTO public.his VALUES (2)");
        assertThat(started("'SELECT {n}', 'SELECT n FROM public.his'", "i.vars ->> 'n'"))
                .containsExactly("2");
    }

    @Test
    void what_was_started_is_the_callers_and_nobody_elses() throws SQLException {
        String id = sql.text("SELECT df.start_many('SELECT 1', 'SELECT 1 AS n')");
        assertThat(sql.text("SELECT submitted_by::text FROM df.instances WHERE id = ?", id))
                .isEqualTo(ALICE);
        assertThat(sql.database.value(BOB, "SELECT count(*) FROM df.instances WHERE id = ?", id))
                .isEqualTo("0");
        sql.database.createRole("nobody_much");
        assertThat(sql.error("nobody_much", "SELECT df.start_many('SELECT 1', 'SELECT 1 AS n')"))
                .startsWith("42501: ");
    }

    @Test
    void nothing_is_left_when_the_transaction_is_rolled_back() throws SQLException {
        String before = instances();
        try (Connection session = sql.database.connect(ALICE)) {
            session.setAutoCommit(false);
            TestDatabase.rows(
                    session, "SELECT df.start_many('SELECT {n}', 'SELECT n FROM generate_series(1, 1001) n')");
            session.rollback();
        }
        assertThat(instances()).isEqualTo(before);
        assertThat(sql.database.value(
                        OWNER,
                        "SELECT count(*) FROM df._inbox x WHERE NOT EXISTS"
                                + " (SELECT FROM df.instances i WHERE i.id = x.instance_id)"))
                .isEqualTo("0");
    }

    @Test
    void a_row_that_fails_late_starts_none_of_those_before_it() throws SQLException {
        String before = instances();
        assertThat(
                        sql.error(
                                "SELECT df.start_many('SELECT {n}', 'SELECT 1 / (1500 - n) AS n FROM generate_series(1, 2000) n')"))
                .startsWith("22012: ");
        assertThat(instances()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SELECT df.start_many(NULL, 'SELECT 1')|fut",
                "SELECT df.start_many('SELECT 1', NULL)|items",
                "SELECT df.start_many('SELECT 1', 'SELEKT 1')|syntax error",
                "SELECT df.start_many('SELECT 1', 'SELECT * FROM nowhere_to_be_found')|does not exist",
                "SELECT df.start_many('{\"node_type\":\"NONSENSE\"}', 'SELECT 1 AS n')|NONSENSE"
            })
    void what_makes_no_sense_is_refused(String call, String says) {
        assertThat(sql.error(call)).contains(says);
    }

    @Test
    void a_query_without_columns_or_with_the_same_name_twice_starts_an_instance_for_each_row() throws SQLException {
        assertThat(started("'SELECT 1', 'SELECT FROM generate_series(1, 2)'", "coalesce(i.vars::text, 'none')"))
                .containsExactly("none", "none");
        assertThat(started("'SELECT 1', 'SELECT 1 AS n, 2 AS n'", "i.vars")).containsExactly("{\"n\": \"2\"}");
    }

    @Test
    void a_cursor_that_reads_what_it_starts_ends() throws SQLException {
        assertThatThrownBy(() -> sql.value("SELECT df.start_many('SELECT 1', 'SELECT id FROM df.instances', 7)"))
                .isInstanceOf(SQLException.class);
        String before = instances();
        assertThat(sql.text("SELECT count(*) FROM df.start_many('SELECT 1', 'SELECT id AS n FROM df.instances')"))
                .as("a query sees what was there when it began")
                .isEqualTo(before);
    }
}
