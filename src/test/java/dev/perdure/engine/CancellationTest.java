package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** df.cancel and lost races: what runs is interrupted, what waits never runs, and everything is wound up. */
class CancellationTest {

    private static final String ACTIVE =
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE ? AND usename = 'cancel_app'";

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;
    private static Submitter observer;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(
                database, Map.of("perdure.step.max-concurrent", "8", "perdure.step.max-concurrent-per-role", "4"));
        app = Submitter.of(database, "cancel_app");
        app.execute("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, step text)");
        observer = Submitter.observer(database);
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        observer.close();
        worker.close();
    }

    @Test
    void a_statement_in_flight_is_interrupted_and_rolled_back() throws SQLException {
        String id = app.start("'INSERT INTO ledger (step) SELECT ''flight'' FROM pg_sleep(600)' ~> 'SELECT 2'");
        observer.awaitValue("1", ACTIVE, "%pg_sleep(600)%");

        app.value("SELECT df.cancel(?, 'changed my mind')", id);

        observer.awaitValue("0", ACTIVE, "%pg_sleep(600)%");
        var ended = app.await(id);
        assertThat(ended.status()).isEqualTo("cancelled");
        assertThat(ended.output()).isEqualTo("canceled: changed my mind");
        assertThat(app.node(id, "INSERT", "status")).isEqualTo("failed");
        assertThat(app.node(id, "INSERT", "error")).isEqualTo("canceled: changed my mind");
        assertThat(app.node(id, "SELECT 2", "status")).isEqualTo("pending");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'flight'"))
                .isEqualTo("0");
    }

    /** PL/pgSQL can catch that a statement is cancelled. Nothing catches that its session is ended. */
    @Test
    void a_statement_that_goes_on_though_it_is_cancelled_loses_its_session() throws SQLException {
        app.execute(
                """
                CREATE FUNCTION never_obey() RETURNS void LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO ledger (step) VALUES ('disobedient');
                    WHILE clock_timestamp() < now() + interval '10 minutes' LOOP
                        BEGIN
                            PERFORM pg_sleep(600);
                        EXCEPTION WHEN query_canceled THEN
                        END;
                    END LOOP;
                END $$""");
        String id = app.start("'SELECT never_obey()'");
        observer.awaitValue("1", ACTIVE, "%never_obey()%");

        app.value("SELECT df.cancel(?)", id);

        assertThat(app.await(id).status()).isEqualTo("cancelled");
        observer.awaitValue("0", ACTIVE, "%never_obey()%");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'disobedient'"))
                .isEqualTo("0");
        assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
    }

    @Test
    void a_sleeping_instance_is_wound_up_at_once() throws SQLException {
        String id = app.start("df.sleep(3600)");
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", id);

        app.value("SELECT df.cancel(?)", id);

        assertThat(app.await(id).output()).isEqualTo("canceled: Cancelled by user");
        assertThat(app.value("SELECT wake_at FROM df.nodes WHERE instance_id = ?", id))
                .isNull();
    }

    @Test
    void an_instance_that_sleeps_in_the_tables_only_is_wound_up_too() throws SQLException {
        String id = app.start("'SELECT 1' ~> df.sleep(36000)");
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SLEEP'", id);
        org.awaitility.Awaitility.await().until(() -> worker.statistics().liveInstances() == 0);

        app.value("SELECT df.cancel(?)", id);

        assertThat(app.await(id).output()).isEqualTo("canceled: Cancelled by user");
        org.awaitility.Awaitility.await().until(() -> worker.statistics().liveInstances() == 0);
    }

    @Test
    void a_step_that_waits_for_a_session_never_runs() throws SQLException {
        List<String> blockers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            blockers.add(app.start("'SELECT pg_sleep(601)'"));
        }
        observer.awaitValue("4", ACTIVE, "%pg_sleep(601)%");
        String queued = app.start("'INSERT INTO ledger (step) VALUES (''queued'')'");
        org.awaitility.Awaitility.await("the step waits for a session")
                .until(() -> worker.statistics().queuedSteps() == 1);

        app.value("SELECT df.cancel(?)", queued);
        assertThat(app.await(queued).status()).isEqualTo("cancelled");
        for (String blocker : blockers) {
            app.value("SELECT df.cancel(?)", blocker);
        }
        observer.awaitValue("0", ACTIVE, "%pg_sleep(601)%");

        assertThat(app.run("'SELECT 1'").status())
                .as("the sessions are free again")
                .isEqualTo("completed");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'queued'"))
                .isEqualTo("0");
    }

    @Test
    void an_instance_that_is_cancelled_in_the_transaction_that_starts_it_never_runs() throws SQLException {
        app.execute("BEGIN");
        String id = app.start("'INSERT INTO ledger (step) VALUES (''stillborn'')'");
        app.value("SELECT df.cancel(?)", id);
        app.execute("COMMIT");

        assertThat(app.await(id).status()).isEqualTo("cancelled");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'stillborn'"))
                .isEqualTo("0");
    }

    @Test
    void an_instance_can_cancel_itself_and_is_wound_up() throws SQLException {
        var ended = app.run("'SELECT df.cancel(''{sys_instance_id}'', ''enough'')'"
                + " ~> 'INSERT INTO ledger (step) VALUES (''after myself'')'");

        assertThat(ended.status()).isEqualTo("cancelled");
        assertThat(ended.output()).isEqualTo("canceled: enough");
        assertThat(app.node(ended.id(), "SELECT df.cancel", "status")).isEqualTo("completed");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'after myself'"))
                .isEqualTo("0");
        org.awaitility.Awaitility.await("out of memory")
                .until(() -> worker.statistics().liveInstances() == 0);
    }

    @Test
    void an_instance_of_many_quick_steps_is_wound_up_whenever_it_is_cancelled() throws SQLException {
        String steps = "'SELECT 1'" + " ~> 'SELECT 2'".repeat(200) + " ~> df.sleep(3600)";
        for (int i = 0; i < 8; i++) {
            String id = app.start(steps);
            app.awaitValue("t", "SELECT count(*) > 3 FROM df.nodes WHERE instance_id = ? AND status = 'completed'", id);
            app.value("SELECT df.cancel(?, 'halfway')", id);

            assertThat(app.await(id).output()).isEqualTo("canceled: halfway");
        }
    }

    @Test
    void the_loser_of_a_race_is_interrupted_and_rolled_back() throws SQLException {
        var ended = app.run(
                "df.race('INSERT INTO ledger (step) SELECT ''loser'' FROM pg_sleep(602)', 'SELECT pg_sleep(0.2)')"
                        + " ~> 'SELECT 7 AS n'");

        assertThat(ended.output()).contains("7");
        observer.awaitValue("0", ACTIVE, "%pg_sleep(602)%");
        assertThat(app.node(ended.id(), "INSERT", "error")).isEqualTo("canceled: lost race");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'loser'"))
                .isEqualTo("0");
    }

    @Test
    void the_two_branches_of_a_race_never_both_have_an_effect() throws SQLException {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            ids.add(app.start("df.race('INSERT INTO ledger (step) VALUES (''race {sys_instance_id}'')',"
                    + " 'INSERT INTO ledger (step) VALUES (''race {sys_instance_id}'')')"));
        }
        for (String id : ids) {
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'race ' || ?", id))
                    .isEqualTo("1");
        }
    }
}
