package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Failures that may pass: the step is tried again, its attempts are counted in the tables, and they are limited. */
class TransientFailureTest {

    private static InProcessWorker worker;
    private static TestDatabase database;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database, Map.of("perdure.step.transient-retries", "3"));
        app = Submitter.of(database, "transient_app");
        // Not undone by a rollback: how often a statement ran.
        app.execute(
                "CREATE SEQUENCE runs; CREATE TABLE ledger (step text);"
                        + " CREATE FUNCTION fails_until(n int, state text) RETURNS int LANGUAGE plpgsql AS $$ DECLARE run int := nextval('runs');"
                        + " BEGIN IF run < n THEN RAISE 'not yet' USING ERRCODE = state; END IF; RETURN run; END $$;"
                        + " CREATE FUNCTION dies_until(n int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE run int := nextval('runs');"
                        + " BEGIN IF run < n THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END IF; RETURN run; END $$");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @Test
    void serialization_failures_are_tried_again_and_counted() throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART");

        var ended = app.run("'SELECT fails_until(3, ''40001'') AS n'");

        assertThat(ended.output()).isEqualTo("{\"rows\":[{\"n\":3}],\"row_count\":1}");
        assertThat(app.node(ended.id(), "SELECT fails", "attempt")).isEqualTo("3");
    }

    @Test
    void attempts_are_limited_and_the_error_says_how_many_there_were() throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART");

        var ended = app.run("'SELECT fails_until(100, ''40P01'')'");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("not yet (given up after 4 attempts)");
        assertThat(app.node(ended.id(), "SELECT fails", "attempt")).isEqualTo("4");
        assertThat(app.value("SELECT last_value FROM runs")).isEqualTo("4");
    }

    @Test
    void a_step_that_kills_its_own_session_a_few_times_goes_on() throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART");

        var ended = app.run("'INSERT INTO ledger SELECT ''died '' || dies_until(3) RETURNING step'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.value("SELECT string_agg(step, ',') FROM ledger WHERE step LIKE 'died%'"))
                .isEqualTo("died 3");
        assertThat(app.node(ended.id(), "INSERT", "attempt")).isEqualTo("3");
    }

    @Test
    void a_step_that_always_kills_its_own_session_fails_in_the_end() throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART");

        var ended = app.run("'SELECT dies_until(100)'");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("terminating connection", "given up after 4 attempts");
        assertThat(app.value("SELECT last_value FROM runs")).isEqualTo("4");
    }

    @Test
    void attempts_are_remembered_when_memory_is_lost() throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART");
        String id = app.start("'SELECT fails_until(100, ''40001'')'");
        app.awaitValue("t", "SELECT attempt >= 2 FROM df.nodes WHERE instance_id = ?", id);
        worker.loseMemory();

        assertThat(app.await(id).output()).contains("given up after");
        assertThat(app.value("SELECT last_value <= 6 FROM runs"))
                .as("not from the beginning")
                .isEqualTo("t");
    }

    @Test
    void a_real_deadlock_of_two_instances_is_resolved() throws SQLException {
        app.execute("CREATE TABLE account (id int PRIMARY KEY, n int); INSERT INTO account VALUES (1, 0), (2, 0);"
                // Neither takes its second lock before the other has its first; later attempts do not wait.
                + " CREATE SEQUENCE holders START 2;"
                + " CREATE FUNCTION move(a int, b int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
                + " UPDATE account SET n = n + 1 WHERE id = a; PERFORM nextval('holders');"
                + " WHILE (SELECT last_value < 3 FROM holders) LOOP PERFORM pg_sleep(0.01); END LOOP;"
                + " UPDATE account SET n = n + 1 WHERE id = b; END $$");
        String one = app.start("'SELECT move(1, 2)'");
        String two = app.start("'SELECT move(2, 1)'");

        assertThat(app.await(one).status()).isEqualTo("completed");
        assertThat(app.await(two).status()).isEqualTo("completed");
        assertThat(app.value("SELECT sum(n) FROM account")).isEqualTo("4");
        assertThat(app.value(
                        "SELECT sum(attempt) > 2 FROM df.nodes WHERE instance_id IN (?, ?) AND node_type = 'SQL'",
                        one,
                        two))
                .isEqualTo("t");
    }

    @Test
    void a_lock_that_is_not_granted_in_time_is_tried_again() throws SQLException {
        app.execute("CREATE TABLE busy (n int); INSERT INTO busy VALUES (1)");
        try (Submitter holder = Submitter.of(database, "transient_app")) {
            holder.execute("BEGIN; UPDATE busy SET n = 2");
            String id = app.start("'SELECT n FROM busy FOR UPDATE NOWAIT'");
            app.awaitValue("t", "SELECT attempt >= 2 FROM df.nodes WHERE instance_id = ?", id);
            holder.execute("COMMIT");

            assertThat(app.await(id).output()).contains("{\"n\":2}");
        }
    }

    @Test
    void a_session_that_is_ended_from_outside_costs_an_attempt_and_nothing_else() throws SQLException {
        try (Submitter observer = Submitter.observer(database)) {
            String id = app.start("'INSERT INTO ledger SELECT ''outside'' FROM pg_sleep(1)'");
            observer.awaitValue(
                    "t",
                    "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'transient_app' AND"
                            + " state = 'active' AND query LIKE '%outside%'");

            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.node(id, "INSERT", "attempt")).isEqualTo("2");
            assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'outside'"))
                    .isEqualTo("1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"DF001", "DF002", "DF003"})
    void a_user_cannot_speak_to_the_worker_with_its_own_error_codes(String state) throws SQLException {
        app.execute("CREATE TABLE lies_" + state + " (v int);"
                + " CREATE FUNCTION lie_" + state + "() RETURNS trigger LANGUAGE plpgsql AS"
                + " $$ BEGIN RAISE 'a lie' USING ERRCODE = '" + state + "'; END $$;"
                + " CREATE CONSTRAINT TRIGGER lie AFTER INSERT ON lies_" + state + " DEFERRABLE INITIALLY DEFERRED"
                + " FOR EACH ROW EXECUTE FUNCTION lie_" + state + "()");
        long epoch = worker.leaderStatus().epoch();

        var atOnce = app.run("'DO $$ BEGIN RAISE ''a lie'' USING ERRCODE = ''" + state + "''; END $$'");
        var atCommit = app.run("'INSERT INTO lies_" + state + " VALUES (1)'");

        assertThat(atOnce.status()).isEqualTo("failed");
        assertThat(atOnce.output()).contains("a lie");
        assertThat(atCommit.status()).isEqualTo("failed");
        assertThat(atCommit.output()).contains("a lie");
        assertThat(worker.leaderStatus().epoch()).as("nobody stepped down").isEqualTo(epoch);
    }
}
