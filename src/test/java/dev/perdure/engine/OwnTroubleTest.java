package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is the server's trouble, or the worker's, is no step's: it waits, is run once, and its attempts do not count. */
class OwnTroubleTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database, Map.of("perdure.step.lock-timeout", "200ms"));
        app = Submitter.of(database, "trouble_app");
        // Not undone by a rollback: how often a statement ran.
        app.execute("CREATE SEQUENCE runs; CREATE SEQUENCE room;"
                + " CREATE FUNCTION needs_room(state text) RETURNS bigint LANGUAGE plpgsql AS $$"
                + " DECLARE run bigint := nextval('runs'); BEGIN"
                + " IF (SELECT NOT is_called FROM room) THEN RAISE 'no space left on device' USING ERRCODE = state; END IF;"
                + " RETURN run; END $$");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"repeatable read", "serializable"})
    void a_step_of_a_role_that_reads_snapshots_runs_once_however_long_it_takes(String isolation) throws SQLException {
        String role = "trouble_" + isolation.replace(" ", "_");
        try (Submitter snapshots = Submitter.of(database, role)) {
            database.asSuperuser("ALTER ROLE " + role + " SET default_transaction_isolation = '" + isolation + "'");
            snapshots.execute("CREATE SEQUENCE " + role + "_runs");
            String once = "'SELECT nextval(''" + role + "_runs''), pg_sleep(1)'";

            var single = snapshots.run(once);
            assertThat(single.status()).as(single.output()).isEqualTo("completed");
            assertThat(snapshots.value("SELECT last_value FROM " + role + "_runs"))
                    .isEqualTo("1");

            var several = snapshots.run("df.join(" + once + ", " + once + ") ~> " + once);
            assertThat(several.status()).as(several.output()).isEqualTo("completed");
            assertThat(snapshots.value("SELECT last_value FROM " + role + "_runs"))
                    .isEqualTo("4");
        }
    }

    @Test
    void a_row_of_ours_that_its_user_keeps_locked_is_waited_for() throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART");
        try (Submitter holder = Submitter.of(database, "trouble_app")) {
            String id = app.start(Submitter.GATE + " ~> 'SELECT nextval(''runs'')'");
            holder.execute("BEGIN");
            holder.value("SELECT df.cancel(?)", id);
            app.open(id);
            // Longer than its lock timeout, a few times.
            app.awaitValue("t", "SELECT last_value >= 4 FROM runs");
            assertThat(app.value("SELECT df.status(?)", id)).isNotEqualTo("failed");
            holder.execute("ROLLBACK");

            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.node(id, "SELECT nextval", "attempt"))
                    .as("waiting is no attempt")
                    .isEqualTo("1");
        }
    }

    @Test
    void branches_of_an_instance_whose_row_is_locked_run_once_though_they_take_long() throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART");
        try (Submitter holder = Submitter.of(database, "trouble_app")) {
            String slow = "'SELECT nextval(''runs''), pg_sleep(1)'";
            String id =
                    app.start(Submitter.GATE + " ~> df.join(" + slow + ", " + slow + ") ~> df.sleep(0) ~> 'SELECT 1'");
            holder.execute("BEGIN");
            holder.value("SELECT id FROM df.instances WHERE id = ? FOR NO KEY UPDATE", id);
            app.open(id);
            app.awaitValue(
                    "2",
                    "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND node_type = 'SQL' AND status = 'completed'",
                    id);
            holder.execute("ROLLBACK");

            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.value("SELECT last_value FROM runs")).isEqualTo("2");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"53100", "53200", "53300"})
    void a_server_that_has_no_room_is_waited_for(String state) throws SQLException {
        app.execute("ALTER SEQUENCE runs RESTART; ALTER SEQUENCE room RESTART");
        String id = app.start("'SELECT needs_room(''" + state + "'')' ~> 'SELECT 1'");
        app.awaitValue("t", "SELECT last_value >= 3 FROM runs");

        app.value("SELECT nextval('room')");

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.node(id, "SELECT needs_room", "attempt")).isEqualTo("1");
    }

    @Test
    void a_server_that_has_no_room_for_too_long_fails_the_step_with_the_reason() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (InProcessWorker impatient = InProcessWorker.start(own, Map.of("perdure.login.give-up-after", "1s"));
                Submitter user = Submitter.of(own, "trouble_app")) {
            var ended = user.run("$q$DO $d$ BEGIN RAISE 'no space left on device' USING ERRCODE = '53100'; END $d$$q$");

            assertThat(ended.output()).contains("no space left on device", "given up after");
            assertThat(impatient.statistics().stepsFailed()).isEqualTo(1);
        }
    }

    @Test
    void each_instance_is_counted_once_when_it_ends() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (InProcessWorker counting = InProcessWorker.start(own);
                Submitter user = Submitter.of(own, "trouble_app");
                Submitter observer = Submitter.observer(own)) {
            user.value(
                    "SELECT count(df.start('SELECT pg_sleep(0.05)' ~> df.sleep(1) ~> 'SELECT 1')) FROM generate_series(1, 40)");
            for (int i = 1; i <= 3; i++) {
                observer.awaitValue(
                        "t", "SELECT count(*) >= " + 8 * i + " FROM df.instances WHERE status = 'completed'");
                // The answers to whatever is being committed are lost.
                observer.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname ="
                        + " current_database() AND application_name IN ('perdure-step', 'perdure-owner')");
            }
            user.awaitValue("40", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
            Awaitility.await().until(() -> counting.statistics().liveInstances() == 0);

            assertThat(counting.statistics().instancesEnded(dev.perdure.flow.Checkpoint.InstanceEnd.Status.COMPLETED))
                    .as("one whose last answer was lost may be missing, none is counted twice")
                    .isBetween(1L, 40L);
        }
    }
}
