package dev.perdure.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SqlCommandTest {

    private static TestDatabase database;

    @BeforeAll
    static void create() {
        database = PostgresServer.get().newEmptyDatabase();
    }

    @Test
    void a_result_is_printed_as_an_aligned_table() {
        Call call = run("SELECT 1 AS n, 'a' || chr(10) || 'bc' AS text UNION ALL SELECT 22, NULL");

        assertThat(call.code()).isZero();
        assertThat(call.out().lines())
                .containsExactly(" n  | text", "----+------", " 1  | a", "    | bc", " 22 |", "(2 rows)");
    }

    @Test
    void each_statement_commits_by_itself() {
        Call failed = run("CREATE TABLE kept (a int); INSERT INTO kept VALUES (1), (2); SELECT 1/0; DROP TABLE kept");
        assertThat(failed.code()).isEqualTo(1);
        assertThat(failed.out()).contains("CREATE", "INSERT 2");

        Call call = run("SELECT count(*) FROM kept");
        assertThat(call.code()).isZero();
        assertThat(call.out()).contains(" 2\n");
    }

    @Test
    void an_error_shows_its_state_and_its_hint() {
        Call call = run("SELECT lower(1)");

        assertThat(call.code()).isEqualTo(1);
        assertThat(call.err()).contains("SQLSTATE 42883", "HINT:  ");
        assertThat(call.out()).isEmpty();
    }

    @Test
    void question_marks_of_operators_are_left_alone() {
        assertThat(run("SELECT '{\"a\":1}'::jsonb ? 'a' AS found").code()).isZero();
    }

    @Test
    void an_option_that_is_missing_its_value_explains_the_command() {
        Call misspelt = Call.of("sql", "--url");

        assertThat(misspelt.code()).isEqualTo(2);
        assertThat(misspelt.err()).contains("Missing required parameter").contains("Usage: perdure sql");
    }

    @Test
    void a_right_that_is_missing_is_called_by_the_name_of_who_gives_it() throws SQLException {
        TestDatabase installed = PostgresServer.get().newDatabase();
        String stranger = PostgresServer.get().createRole("sql_stranger");
        String user = installed.createUser("sql_user");

        assertThat(Call.of("sql", "--url", installed.url(stranger).toUri(), "SELECT df.start('SELECT 1')")
                        .err())
                .contains("permission denied for schema df")
                .contains("HINT:  The owner of df lets a role start workflows: SELECT df.grant_usage('role')");
        assertThat(Call.of("sql", "--url", installed.url(user).toUri(), "SELECT df.http('http://x')")
                        .err())
                .contains("permission denied for function http")
                .contains("df.grant_usage('role', include_http => true)");
    }

    private Call run(String sql) {
        return Call.of("sql", "--url", database.url().toUri(), sql);
    }
}
