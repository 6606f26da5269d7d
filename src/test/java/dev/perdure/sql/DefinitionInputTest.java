package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What makes no definition is refused with the reason, and of several sessions that define a name each has its version. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DefinitionInputTest {

    private final SqlSurface sql = new SqlSurface();

    @BeforeAll
    void define() throws SQLException {
        sql.value("SELECT df.define('there', 'SELECT 1')");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            df.define(NULL, 'SELECT 1')                                   | name
            df.define('x', NULL)                                          | fut
            df.define('', 'SELECT 1')                                     | df.define: the name of a definition must not be empty
            df.define('  ', 'SELECT 1')                                   | df.define: the name of a definition must not be empty
            df.define(repeat('x', 256), 'SELECT 1')                       | df.define: the name of a definition has 256 bytes, at most 255 are allowed
            df.define(repeat('ü', 128), 'SELECT 1')                       | df.define: the name of a definition has 256 bytes, at most 255 are allowed
            df.define(' x', 'SELECT 1')                                   | df.define: the name of a definition has no control characters, and no blanks at its ends
            df.define(E'x\\ny', 'SELECT 1')                               | df.define: the name of a definition has no control characters, and no blanks at its ends
            df.define('a.b', 'SELECT 1')                                  | df.define: the name of a definition has no point
            df.define('x', '')                                            | df.define: "x" would execute nothing: its only statement is empty
            df.define('x', ' ; -- nothing')                               | df.define: "x" would execute nothing: its only statement is empty
            df.define('x', 'SELECT 1', '[]')                              | params of df.define must be a JSON object
            df.define('x', 'SELECT 1', 'null')                            | params of df.define must be a JSON object
            df.define('x', 'SELECT 1', '{"a": 1}')                        | parameter "a" of df.define must be a JSON object with type, required and default
            df.define('x', 'SELECT 1', '{"a b": {}}')                     | parameter "a b" of df.define: a name has letters, digits and underscores
            df.define('x', 'SELECT 1', '{"": {}}')                        | parameter "" of df.define: a name has letters, digits and underscores
            df.define('x', 'SELECT 1', '{"sys_label": {}}')               | parameter "sys_label" of df.define: a name has letters, digits and underscores, and does not begin with sys_
            df.define('x', 'SELECT 1', '{"a": {"typ": "int"}}')           | parameter "a" of df.define has an unknown member "typ"
            df.define('x', 'SELECT 1', '{"a": {"type": 7}}')              | parameter "a" of df.define: type is a string, and required is true or false
            df.define('x', 'SELECT 1', '{"a": {"required": "yes"}}')      | parameter "a" of df.define: type is a string, and required is true or false
            df.define('x', 'SELECT 1', '{"a": {"type": "integr"}}')       | parameter "a" of df.define has the type integr, which does not exist
            df.define('x', 'SELECT 1', '{"a": {"type": "int", "default": "x"}}') | definition "x": parameter "a" is no int
            df.define('x', 'SELECT 1', comment => repeat('x', 65537))     | df.define: "x" is too large: a graph has up to 64 MiB, params 1 MiB, a comment 64 KiB
            df.drop_definition(NULL)                                      | name
            df.drop_definition('nowhere')                                 | role "alice" has no definition "nowhere"
            df.grant_definition('nowhere', 'bob')                         | role "alice" has no definition "nowhere"
            df.grant_definition('there', NULL)                            | the role must not be null
            df.grant_definition('there', 'nobody at all')                 | role "nobody at all" does not exist
            df.revoke_definition('nowhere', 'bob')                        | role "alice" has no definition "nowhere"
            df.revoke_definition('there', 'nobody at all')                | role "nobody at all" does not exist
            df.call(NULL)                                                 | name
            df.call('x', '[]')                                            | df.call: args must be a JSON object
            df.call('x', version => 0)                                    | df.call: version must be a whole number from 1 on
            df.call(repeat('x', 256))                                     | df.call: the name of a definition has 256 bytes, at most 255 are allowed
            """)
    void what_makes_no_definition_is_refused(String call, String message) throws SQLException {
        assertThat(sql.error("SELECT " + call)).contains(message);
        assertThat(sql.value("SELECT string_agg(name, ',') FROM df.definitions WHERE name = 'x'"))
                .isNull();
    }

    @Test
    void a_large_definition_is_refused_by_its_size() {
        assertThat(sql.error("SELECT df.define('x', 'SELECT 1', jsonb_build_object('a',"
                        + " jsonb_build_object('description', repeat('x', 1048576))))"))
                .startsWith("54000")
                .contains("params 1 MiB");
    }

    @Test
    void two_sessions_that_define_a_name_at_once_have_a_version_each() throws Exception {
        try (Connection one = sql.database.connect(SqlSurface.ALICE);
                Connection two = sql.database.connect(SqlSurface.ALICE)) {
            one.setAutoCommit(false);
            assertThat(TestDatabase.rows(one, "SELECT df.define('both', 'SELECT 1')"))
                    .containsExactly(List.of("1"));
            CompletableFuture<List<List<String>>> second = inBackground(two, "SELECT df.define('both', 'SELECT 2')");
            awaitLock();
            one.commit();

            assertThat(second.get()).containsExactly(List.of("2"));
            assertThat(sql.value("SELECT string_agg(graph::jsonb ->> 'query', ',' ORDER BY version) FROM"
                            + " df.definitions WHERE name = 'both'"))
                    .isEqualTo("SELECT 1,SELECT 2");

            TestDatabase.rows(one, "SELECT df.define('both', 'SELECT 3')");
            second = inBackground(two, "SELECT df.define('both', 'SELECT 4')");
            awaitLock();
            one.rollback();
            assertThat(second.get())
                    .as("what was rolled back has taken no version")
                    .containsExactly(List.of("3"));
        }
    }

    @Test
    void a_session_whose_snapshot_is_older_has_to_begin_again() throws Exception {
        try (Connection old = sql.database.connect(SqlSurface.ALICE)) {
            old.setAutoCommit(false);
            old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            TestDatabase.rows(old, "SELECT count(*) FROM df.definitions");
            sql.value("SELECT df.define('newer', 'SELECT 1')");

            SQLException refused = catchThrowableOfType(
                    SQLException.class, () -> TestDatabase.rows(old, "SELECT df.define('newer', 'SELECT 2')"));
            assertThat(refused.getSQLState()).isEqualTo("40001");
            old.rollback();
            assertThat(TestDatabase.rows(old, "SELECT df.define('newer', 'SELECT 2')"))
                    .containsExactly(List.of("2"));
            old.commit();
        }
    }

    private static CompletableFuture<List<List<String>>> inBackground(Connection connection, String call) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return TestDatabase.rows(connection, call);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void awaitLock() {
        Awaitility.await()
                .until(
                        () -> sql.database.value(
                                "postgres",
                                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname ="
                                        + " current_database()"),
                        "1"::equals);
    }
}
