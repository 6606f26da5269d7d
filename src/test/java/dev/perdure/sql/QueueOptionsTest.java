package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options that say when an instance begins, and the functions that manage queues, without a worker. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QueueOptionsTest {

    private final SqlSurface sql = new SqlSurface();

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            {"queue": ""}                                  | option queue of df.start() must be a string of 1 to 255 characters
            {"queue": 1}                                   | option queue of df.start() must be a string of 1 to 255 characters
            {"queue": "no such"}                           | there is no queue "no such" of yours, and none of that name was granted to you
            {"key": "a"}                                   | option key of df.start() says something about a queue, and there is no option queue
            {"priority": 1}                                | option priority of df.start() says something about a queue
            {"queue": "q", "priority": 1.5}                | option priority of df.start() must be a whole number from -1000 to 1000
            {"queue": "q", "priority": "1"}                | option priority of df.start() must be a whole number from -1000 to 1000
            {"queue": "q", "priority": 1001}               | option priority of df.start() must be a whole number from -1000 to 1000
            {"start_at": "tomorrow morning"}               | option start_at of df.start(): invalid input syntax
            {"start_at": 5}                                | option start_at of df.start() must be a string, such as "2026-12-01T08:00:00Z"
            {"start_at": "1066-10-14Z"}                    | option start_at of df.start() must be between the years 2000 and 9999
            {"delay": "-1 s"}                              | option delay of df.start() must be between 0 and 10 years
            {"delay": "1 s", "start_at": "2199-01-01Z"}    | options of df.start() hold both start_at and delay
            {"debounce": "1 s"}                            | option debounce of df.start() needs the option dedup
            {"on_duplicate": "raise"}                      | option on_duplicate of df.start() needs the option dedup
            {"dedup": "a", "on_duplicate": "ignore"}       | option on_duplicate of df.start() must be return, raise or replace
            {"dedup": "a", "debounce": "1 s", "delay": "1 s"} | option debounce of df.start() says when the instance starts
            """)
    void an_option_that_means_nothing_is_refused(String options, String message) {
        assertThat(sql.error("SELECT df.start('SELECT 1', options => '" + options + "')"))
                .contains(message);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            df.create_queue('q', concurrency => 0)         | concurrency of a queue must be between 1 and 10000, not 0
            df.create_queue('q', rate => 10001)            | rate of a queue must be between 1 and 10000, not 10001
            df.create_queue('q', per => '1 s')             | per of a queue says over which time rate counts, and there is no rate
            df.create_queue('q', rate => 1, per => '-1 s') | per of a queue must be between 1 millisecond and a year
            df.create_queue('q', overflow => 'drop')       | overflow of a queue must be wait, reject, cancel_oldest or cancel_newest, not 'drop'
            df.create_queue('q', overflow => NULL)         | overflow of a queue must be wait, reject, cancel_oldest or cancel_newest, not NULL
            df.create_queue(NULL)                          | the name of a queue must be 1 to 255 characters long
            df.alter_queue('nowhere', 5)                   | there is no queue "nowhere" of yours
            df.pause_queue('nowhere')                      | there is no queue "nowhere" of yours
            df.drop_queue('nowhere')                       | there is no queue "nowhere" of yours
            """)
    void a_queue_that_means_nothing_is_refused(String call, String message) {
        assertThat(sql.error("SELECT " + call)).contains(message);
    }

    @Test
    void a_queue_exists_once_and_its_name_is_free_again_when_it_is_dropped() throws SQLException {
        sql.value("SELECT df.create_queue('once', 2, rate => 3)");
        assertThat(sql.error("SELECT df.create_queue('once')"))
                .startsWith("42710")
                .contains("queue \"once\" exists already");
        sql.value("SELECT df.alter_queue('once', concurrency => 0, concurrency_per_key => 7, overflow => 'reject')");
        assertThat(
                        sql.rows(
                                "SELECT concurrency, concurrency_per_key, rate, per, overflow, paused FROM df.queues WHERE name = 'once'"))
                .containsExactly(Arrays.asList(null, "7", "3", "00:00:01", "reject", "f"));
        sql.value("SELECT df.drop_queue('once')");
        assertThat(sql.value("SELECT df.create_queue('once')")).isEqualTo("once");
        sql.value("SELECT df.drop_queue('once')");
    }

    @Test
    void a_fork_is_in_no_queue() throws SQLException {
        String id = sql.value("SELECT df.start('SELECT 1')");
        sql.value("SELECT df.cancel('" + id + "')");
        assertThat(sql.error("SELECT df.fork('" + id + "', options => '{\"delay\": \"1 s\"}')"))
                .contains("options of df.fork() cannot say when the instance begins");
    }

    @Test
    void a_start_that_the_snapshot_cannot_show_is_to_be_repeated() throws SQLException {
        try (Connection old = sql.database.connect(SqlSurface.ALICE)) {
            old.setAutoCommit(false);
            old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            TestDatabase.rows(old, "SELECT 1");
            String id = sql.value("SELECT df.start('SELECT 1', options => '{\"dedup\": \"seen late\"}')");
            assertThat(catchThrowableOfType(
                                    SQLException.class,
                                    () -> TestDatabase.rows(
                                            old,
                                            "SELECT df.start('SELECT 1', options => '{\"dedup\": \"seen late\"}')"))
                            .getSQLState())
                    .isEqualTo("40001");
            old.rollback();
            sql.value("SELECT df.cancel('" + id + "')");
        }
    }

    @Test
    void what_is_asked_for_in_the_name_of_somebody_else_is_refused() throws SQLException {
        for (String statement : List.of(
                "INSERT INTO df._queue_changes (submitted_by, action, name) VALUES ('postgres', 'create', 'stolen')",
                "INSERT INTO df._start_requests (id, root_node, submitted_by, graph) VALUES ('0a0a0a0a', '0b0b0b0b', 'postgres', df.sql('SELECT 1'))")) {
            assertThat(sql.error(statement)).startsWith("42501");
        }
        for (String table :
                List.of("_queues", "_starts", "_dedups", "_queue_grants", "_queue_turns", "_queue_begins")) {
            assertThat(sql.error("SELECT count(*) FROM df." + table)).startsWith("42501");
        }
    }
}
