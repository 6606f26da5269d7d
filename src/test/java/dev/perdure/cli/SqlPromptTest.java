package dev.perdure.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SqlPromptTest {

    private static TestDatabase database;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void create() {
        database = PostgresServer.get().newDatabase();
    }

    @Test
    void a_statement_is_executed_at_its_semicolon() throws Exception {
        type("SELECT 1", "  AS one;", "SELECT 2 AS two; SELECT 3 AS three;");

        assertThat(out.toString()).contains(" one\n", " two\n", " three\n");
        assertThat(out.toString()).containsOnlyOnce("df-> ");
    }

    @Test
    void a_semicolon_in_a_quote_or_a_comment_ends_nothing() throws Exception {
        type("SELECT 'a;", "b' AS text, $x$;", "$x$ AS more -- ;", "/* ; */;");

        assertThat(err.toString()).isEmpty();
        assertThat(out.toString()).contains("(1 row)").containsOnlyOnce(" text");
    }

    @Test
    void a_comment_behind_the_semicolon_belongs_to_the_statement_before_it() throws Exception {
        type(
                "SELECT 1 AS one;  -- => 1",
                "-- alone",
                "CREATE TEMP TABLE t (); /* a /* nested */ one */ -- and another",
                "/* before */ DROP TABLE t;");

        assertThat(err.toString()).isEmpty();
        assertThat(out.toString())
                .contains(" one\n", "df=> CREATE\n", "df=> DROP\n")
                .doesNotContain("df-> ");
    }

    @Test
    void a_comment_that_is_open_goes_on_in_the_next_line() throws Exception {
        type("SELECT 1 AS one; /* here", "SELECT 2 AS two;", "ends it */");

        assertThat(err.toString()).isEmpty();
        assertThat(out.toString()).contains(" one\n").doesNotContain("two");
    }

    @Test
    void the_words_of_psql_without_a_backslash_are_known() throws Exception {
        type("help", "SELECT 1 AS", "exit;", "exit", "SELECT 'not read';");

        assertThat(err.toString()).isEmpty();
        assertThat(out.toString())
                .contains("Statements end with a semicolon", " exit\n")
                .doesNotContain("not read");
    }

    @Test
    void an_error_does_not_end_the_session() throws Exception {
        type("SELECT 1/0;", "SELECT 'after' AS value;");

        assertThat(err.toString()).contains("division by zero (SQLSTATE 22012)");
        assertThat(out.toString()).contains("after");
    }

    @Test
    void what_was_typed_can_be_forgotten() throws Exception {
        type("SELECT 'open", "\\r", "SELECT 'fresh' AS value;");

        assertThat(err.toString()).isEmpty();
        assertThat(out.toString()).contains("fresh");
    }

    @Test
    void a_statement_without_its_semicolon_is_named_at_the_end() throws Exception {
        type("SELECT 1");

        assertThat(err.toString()).contains("Not executed, since its semicolon is missing: SELECT 1");
    }

    @Test
    void ones_own_tables_can_be_looked_up_too() throws Exception {
        type("CREATE TEMPORARY TABLE orders (customer text);", "\\d orders", "\\d no_such_table", "\\d instances");

        assertThat(out.toString()).contains(" customer ", "submitted_by");
        assertThat(err.toString()).contains("relation \"no_such_table\" does not exist");
    }

    @Test
    void functions_and_views_of_perdure_can_be_looked_up() throws Exception {
        type(
                "\\df",
                "\\df await",
                "\\d",
                "\\d df.instances",
                "\\df o'r\\'x",
                "\\?",
                "\\nope",
                "\\q",
                "SELECT 'not read';");

        assertThat(err.toString()).isEmpty();
        assertThat(out.toString())
                .contains("await_instance", " queues ", "submitted_by", "(0 rows)", "Statements end with a semicolon")
                .contains("There is no \\nope")
                .doesNotContain("_await", "checkpoint", "not read");
    }

    private void type(String... lines) throws IOException, SQLException {
        try (Connection connection = database.url().connect(Map.of())) {
            var printer = new PrintWriter(out);
            var errors = new PrintWriter(err);
            new SqlPrompt(
                            new Statements(connection, printer, errors),
                            new BufferedReader(new StringReader(String.join("\n", lines))),
                            printer,
                            errors)
                    .run();
        }
    }
}
