package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** df.retry: only what failed is repeated, the delay survives, everybody can see it. */
@SuppressWarnings("try")
class RetriesTest {

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "retry_app");
        // A sequence counts, since what a failed attempt wrote is rolled back.
        app.execute(
                "CREATE SEQUENCE runs; CREATE FUNCTION fails_until(n int, state text) RETURNS bigint LANGUAGE plpgsql"
                        + " AS $$ DECLARE run bigint := nextval('runs'); BEGIN IF run < n THEN"
                        + " RAISE 'run %', run USING ERRCODE = state; END IF; RETURN run; END $$;"
                        + " CREATE TABLE ledger (step text, at timestamptz DEFAULT clock_timestamp())");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    private static String retried(String step, int attempts, String delay) {
        return "df.retry(" + step + ", " + attempts + ", '" + delay + "')";
    }

    private String retry(String id, String column) throws SQLException {
        return String.valueOf(
                app.value("SELECT " + column + " FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'", id));
    }

    @Test
    void a_step_that_succeeds_the_third_time_is_attempted_three_times_and_nothing_else_is() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("'INSERT INTO ledger VALUES (''before'')' ~> "
                    + retried("'SELECT fails_until(3, ''22012'') AS n'", 5, "0.1 s")
                    + " ~> 'INSERT INTO ledger VALUES (''after'')'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT string_agg(step, ',' ORDER BY at) FROM ledger"))
                    .isEqualTo("before,after");
            assertThat(app.value("SELECT last_value FROM runs")).isEqualTo("3");
            assertThat(retry(ended.id(), "attempt")).isEqualTo("3");
            assertThat(retry(ended.id(), "status")).isEqualTo("completed");
            assertThat(app.value("SELECT df.explain(?)", ended.id())).contains("RETRY (attempt 3 of 5) ✓");
        }
    }

    @Test
    void a_first_attempt_that_succeeds_counts_as_one() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.retry('SELECT 1')");
            assertThat(ended.status()).isEqualTo("completed");
            assertThat(retry(ended.id(), "attempt")).isEqualTo("1");
        }
    }

    @Test
    void the_last_failure_carries_the_count() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(retried("'SELECT 1/0'", 2, "0.05 s"));
            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("division by zero").endsWith("(given up after 2 attempts)");
            assertThat(retry(ended.id(), "error")).isEqualTo(ended.output());
        }
    }

    @Test
    void only_listed_sqlstates_are_retried() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var listed = app.run(
                    "df.retry('SELECT fails_until(3, ''P0001'')', 5, '0.05 s', retry_on => ARRAY['P0', '22012'])");
            assertThat(listed.status()).isEqualTo("completed");
            var other = app.run("df.retry('SELECT 1/0', 5, '0.05 s', retry_on => ARRAY['P0', '40001'])");
            assertThat(other.output())
                    .contains("division by zero")
                    .endsWith("(attempt 1, no failure to be retried on)");
        }
    }

    @Test
    void while_it_waits_the_node_shows_the_last_error_the_attempt_and_the_time() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start(retried("'SELECT 1/0'", 3, "1 hour"));
            app.awaitValue("2", "SELECT attempt FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'", id);

            assertThat(retry(id, "status")).isEqualTo("running");
            assertThat(retry(id, "error")).contains("division by zero");
            assertThat(retry(id, "wake_at BETWEEN now() + '40 min' AND now() + '1 h'"))
                    .isEqualTo("t");
            assertThat(app.value("SELECT df.explain(?)", id)).contains("RETRY (attempt 2 of 3) ⏳");

            app.value("SELECT df.cancel(?, 'enough')", id);
            assertThat(app.await(id).output()).isEqualTo("canceled: enough");
            assertThat(retry(id, "error")).isEqualTo("canceled: enough");
        }
    }

    @Test
    void a_delay_goes_on_after_a_restart_and_only_the_failed_step_is_repeated() throws SQLException {
        app.execute("CREATE TABLE item (id int PRIMARY KEY, state text DEFAULT 'new');"
                + " INSERT INTO item SELECT generate_series(1, 10000); CREATE SEQUENCE calls;"
                + " CREATE FUNCTION call_service(id int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
                + " PERFORM nextval('calls'); IF id = 500 AND nextval('runs') < 3 THEN"
                + " RAISE 'service is down' USING ERRCODE = '08000'; END IF; RETURN 'done'; END $$");
        // Batches of a hundred rows; the one with row 500 fails twice.
        String batch = "'UPDATE item SET state = call_service(id) WHERE id BETWEEN $b * 100 + 1 AND $b * 100 + 100'";
        List<String> chain = new ArrayList<>();
        for (int b = 0; b < 100; b++) {
            chain.add("('SELECT " + b + "' |=> 'b') ~> df.retry(" + batch + ", 5, '0.3 s')");
        }
        String id;
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            id = app.start(String.join(" ~> ", chain));
            app.awaitValue(
                    "1",
                    "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY' AND attempt > 1",
                    id);
        }
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM item WHERE state = 'done'"))
                    .isEqualTo("10000");
            assertThat(app.value("SELECT last_value BETWEEN 10002 AND 10200 FROM calls"))
                    .as("one batch was called three times, the others once")
                    .isEqualTo("t");
            assertThat(app.value(
                            "SELECT string_agg(attempt::text, ',') FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'"
                                    + " AND attempt <> 1",
                            id))
                    .isEqualTo("3");
        }
    }

    @Test
    void a_whole_subgraph_is_repeated_while_memory_is_lost_again_and_again() throws SQLException {
        app.execute("CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, instance text, attempt text)");
        String body = "'INSERT INTO effect (instance, attempt) VALUES (''{sys_instance_id}'', ''a'')'"
                + " ~> df.join('SELECT pg_sleep(0.02)', 'SELECT count(*) / (count(*) - 1) / (count(*) - 2) FROM effect"
                + " WHERE instance = ''{sys_instance_id}''')";
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                ids.add(app.start(retried("(" + body + ")", 5, "0.2 s") + " ~> 'SELECT 1'"));
            }
            for (int i = 0; i < 5; i++) {
                app.awaitValue("t", "SELECT count(*) >= " + 6 * i + " FROM effect");
                worker.loseMemory();
            }
            for (String id : ids) {
                var ended = app.await(id);
                assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
                assertThat(app.value("SELECT count(*) FROM effect WHERE instance = ?", id))
                        .as("two attempts that divide by zero, and one that does not")
                        .isEqualTo("3");
                assertThat(retry(id, "attempt")).isEqualTo("3");
            }
        }
    }
}
