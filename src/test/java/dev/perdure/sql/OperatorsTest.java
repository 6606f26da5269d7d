package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.schema.Migration;
import dev.perdure.testing.PostgresServer;
import java.sql.SQLException;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OperatorsTest {

    private final SqlSurface sql = new SqlSurface();

    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            quoteCharacter = '`',
            textBlock =
                    """
                    'a' ~> 'b' § df.seq('a','b')
                    'a' |=> 'n' § df."as"('a','n')
                    'a' |= 'n' § df."as"('a','n')
                    'a' & 'b' § df."join"('a','b')
                    'a' | 'b' § df.race('a','b')
                    'c' ?> 't' !> 'e' § df."if"('c','t','e')
                    @> 'a' § df.loop('a')
                    'a'::varchar ~> 'b'::varchar § df.seq('a','b')
                    'a' ~> 'b' |=> 'n' ~> 'c' § df.seq(df."as"(df.seq('a','b'),'n'),'c')
                    'a' & 'b' ~> 'c' | 'd' § df.race(df.seq(df."join"('a','b'),'c'),'d')
                    'a' | 'b' & 'c' § df."join"(df.race('a','b'),'c')
                    'a' ~> 'c' ?> 't' !> 'e' ~> 'z' § df.seq(df."if"(df.seq('a','c'),'t','e'),'z')
                    @> 'a' ~> 'b' § df.seq(df.loop('a'),'b')
                    """)
    void means_the_builder_and_binds_from_left_to_right(String expression, String builder) throws SQLException {
        assertThat(sql.value("SELECT " + expression)).isEqualTo(sql.value("SELECT " + builder));
    }

    @Test
    void behind_df_a_key_word_needs_quotes_only_where_plpgsql_looks_for_its_own() throws SQLException {
        assertThat(sql.value("SELECT df.loop(df.if(df.as('a', 'n'), df.join('b', 'c'), df.catch('d', df.break())))"))
                .isEqualTo(
                        sql.value(
                                "SELECT df.\"loop\"(df.\"if\"(df.\"as\"('a', 'n'), df.\"join\"('b', 'c'), df.\"catch\"('d', df.\"break\"())))"));
        String rounds = "DO $$ DECLARE r record; BEGIN FOR r IN SELECT %s('a') LOOP END LOOP; END $$";
        assertThat(sql.error(rounds.formatted("df.loop"))).contains("syntax error");
        sql.database.execute(SqlSurface.ALICE, rounds.formatted("df.\"loop\""));
    }

    @Test
    void half_an_if_keeps_its_operands_as_texts() throws SQLException {
        assertThat(sql.value("SELECT 'c' ?> 't'"))
                .isEqualTo("{\"condition\": \"c\", \"_partial_if\": true, \"then_branch\": \"t\"}");
    }

    @Test
    void the_else_operator_wants_half_an_if_on_its_left() {
        assertThat(sql.error("SELECT 'c' ?> 't1' ~> 't2' !> 'e'"))
                .startsWith("P0001: ")
                .contains("Invalid if-then-else: left side of !> must be a ?> expression");
        for (String other : new String[] {"{}", "[\"_partial_if\"]", "\"_partial_if\""}) {
            assertThat(sql.error("SELECT '" + other + "' !> 'e'"))
                    .as(other)
                    .contains("left side of !> must be a ?> expression");
        }
        assertThat(sql.error("SELECT 'text' !> 'e'")).contains("invalid input syntax for type json");
    }

    @Test
    void null_operands_give_null_except_for_a_loop() throws SQLException {
        assertThat(sql.rows("SELECT NULL ~> 'a', 'a' & NULL, NULL | 'a', 'a' |=> NULL, NULL ?> 'x' !> 'y'")
                        .get(0))
                .containsOnlyNulls();
        assertThat(sql.value("SELECT NULL ?> 'x'"))
                .isEqualTo("{\"condition\": null, \"_partial_if\": true, \"then_branch\": \"x\"}");
        assertThat(sql.error("SELECT @> NULL")).contains("argument 0 must not be null");
    }

    @Test
    void an_operator_of_somebody_else_stops_the_installation() {
        var database = PostgresServer.get().newEmptyDatabase();
        database.asSuperuser("CREATE FUNCTION public.glue(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || $2';"
                + " CREATE OPERATOR public.~> (LEFTARG = text, RIGHTARG = text, FUNCTION = public.glue)");

        Assertions.assertThatThrownBy(() -> Migration.migrate(database.url()))
                .hasMessageContaining("operator public.~> (text, text) exists already and belongs to another role");
    }

    @Test
    void a_functions_text_does_not_depend_on_the_callers_search_path() throws SQLException {
        sql.database.asSuperuser("CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO alice;"
                + " CREATE FUNCTION trap.concat(text, text, text, text) RETURNS text LANGUAGE sql AS 'SELECT (1 / 0)::text';"
                + " CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';"
                + " CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);"
                + " CREATE OPERATOR trap.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq)");

        assertThat(sql.valueWith(
                        "SET search_path = trap, pg_catalog, public",
                        "SELECT df.start(df.\"if\"('a', df.\"as\"(df.seq('a', 'b'), 'n'), df.loop(df.\"break\"())))"))
                .matches("[0-9a-f]{8}");
    }
}
