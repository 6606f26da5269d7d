package dev.perdure.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SqlCommandTest {

    private static TestDatabase database;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeAll
    static void create() {
        database = PostgresServer.get().newEmptyDatabase();
    }

    @Test
    void a_result_is_printed_as_an_aligned_table() {
        assertThat(run("SELECT 1 AS n, 'a' || chr(10) || 'bc' AS text UNION ALL SELECT 22, NULL"))
                .isZero();

        assertThat(out.toString(StandardCharsets.UTF_8).lines())
                .containsExactly(" n  | text", "----+------", " 1  | a", "    | bc", " 22 |", "(2 rows)");
    }

    @Test
    void each_statement_commits_by_itself() {
        assertThat(run("CREATE TABLE kept (a int); INSERT INTO kept VALUES (1), (2); SELECT 1/0; DROP TABLE kept"))
                .isEqualTo(1);

        assertThat(run("SELECT count(*) FROM kept")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("CREATE", "INSERT 2", " 2\n");
    }

    @Test
    void an_error_shows_its_state_and_its_hint() {
        assertThat(run("SELECT lower(1)")).isEqualTo(1);

        assertThat(err.toString(StandardCharsets.UTF_8)).contains("SQLSTATE 42883", "HINT:  ");
        assertThat(out.toString(StandardCharsets.UTF_8)).isEmpty();
    }

    @Test
    void question_marks_of_operators_are_left_alone() {
        assertThat(run("SELECT '{\"a\":1}'::jsonb ? 'a' AS found")).isZero();
    }

    @Test
    void a_command_without_a_statement_explains_itself() {
        assertThat(command().run()).isEqualTo(2);
        assertThat(err.toString(StandardCharsets.UTF_8)).startsWith("Usage: perdure sql");
    }

    private int run(String sql) {
        return command().run("--url", database.url().toUri(), sql);
    }

    private SqlCommand command() {
        return new SqlCommand(
                new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8));
    }
}
