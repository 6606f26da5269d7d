package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PGobject;

/** What applications pass by habit: NULLs, JSON with a type, words that mean nothing. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ArgumentsTest {

    private final SqlSurface sql = new SqlSurface();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "df.start(NULL)                          | fut",
                "df.start_many(NULL, 'SELECT 1')         | fut",
                "df.start_many('SELECT 1', NULL)         | items",
                "df.signal(NULL, 'go')                   | instance_id",
                "df.signal('00000000', NULL)             | signal_name",
                "df.wait_for_signal(NULL)                | name",
                "df.loop(NULL)                           | body",
                "df.retry(NULL)                          | node",
                "df.map(NULL, 'x')                       | items",
                "df.map('x', NULL)                       | body",
                "df.catch(NULL, 'x')                     | node",
                "df.catch('x', NULL)                     | handler",
                "df.saga(NULL)                           | node",
                "df.with_queue(NULL, 'x')                | node",
                "df.with_queue('x', NULL)                | queue",
                "df.with_undo(NULL, 'x')                 | step",
                "df.with_undo('x', NULL)                 | undo",
                "df.with_undo('x', 'y', NULL)            | register",
                "df.timeout(NULL, '1 s')                | node",
                "df.timeout('x', NULL)                   | within",
                "df.list_instances(NULL, NULL)           | limit_count",
            })
    void an_argument_that_is_null_and_must_not_be_is_named(String call, String argument) throws SQLException {
        assertThat(sql.error("SELECT " + call)).startsWith("22004: ").contains(" must not be null: " + argument);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "df.start('q', transaction_mode => 'nope')",
                "df.start('q', options => '[]')",
                "df.start('q', options => '{\"nope\":1}')",
                "df.start('q', database => 'nope')",
                "df.await_instance('00000000', 0)",
                "df.signal('', 'go')",
                "df.signal('00000000', '')",
                "df.list_instances('nosuchstatus')",
                "df.list_instances('nosuchstatus', 10, NULL)",
                "df.list_instances(NULL, 1000000)",
            })
    void a_wrong_argument_is_an_invalid_parameter_value(String call) throws SQLException {
        assertThat(sql.error("SELECT " + call)).startsWith("22023: ");
    }

    @Test
    void null_means_the_default_where_there_is_one() throws SQLException {
        String id = sql.text("SELECT df.start('q', NULL, NULL, NULL, NULL)");
        assertThat(sql.text("SELECT df.signal(?, 'go', NULL)", id)).isEqualTo("OK");
        assertThat(sql.text("SELECT df.signal(?, 'go', NULL::jsonb)", id)).isEqualTo("OK");
        assertThat(sql.rows("SELECT data::text FROM df.signals WHERE instance_id = ?", id))
                .containsExactly(List.of("{}"), List.of("{}"));
    }

    @Test
    void data_of_a_signal_can_have_the_type_of_json() throws SQLException {
        String id = sql.text("SELECT df.start('q')");
        assertThat(sql.text("SELECT df.signal(?, 'go', jsonb_build_object('n', 1))", id))
                .isEqualTo("OK");
        PGobject json = new PGobject();
        json.setType("jsonb");
        json.setValue("[1, 2]");
        try (Connection session = sql.database.connect(ALICE);
                PreparedStatement statement = session.prepareStatement("SELECT df.signal(?, 'go', ?)")) {
            statement.setString(1, id);
            statement.setObject(2, json);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
            }
        }
        assertThat(sql.text("SELECT df.signal(?, 'go', '{\"text\": true}')", id))
                .isEqualTo("OK");
        assertThat(sql.rows("SELECT data::text FROM df.signals WHERE instance_id = ? ORDER BY id", id))
                .containsExactly(List.of("{\"n\": 1}"), List.of("[1, 2]"), List.of("{\"text\": true}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "  ", ";", "-- only a comment", "/* one\n and */ -- another\n"})
    void a_workflow_that_executes_nothing_says_so(String text) throws SQLException {
        assertThat(notices("SELECT df.start($q$" + text + "$q$)")).contains("executes nothing");
        assertThat(notices("SELECT df.start($q$" + text + "\nSELECT 1$q$)")).isEmpty();
    }

    private String notices(String query) throws SQLException {
        try (Connection session = sql.database.connect(ALICE);
                Statement statement = session.createStatement()) {
            statement.execute(query);
            return statement.getWarnings() == null
                    ? ""
                    : statement.getWarnings().getMessage();
        }
    }
}
