package dev.perdure.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Schedules with workers that lead, are stopped and lose their memory. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("try")
class ScheduledWorkflowsTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private Submitter app;

    @BeforeAll
    void begin() throws SQLException {
        app = Submitter.of(database, "cron_app");
        app.execute("CREATE TABLE ledger (schedule text, planned text)");
    }

    @AfterAll
    void end() throws SQLException {
        app.close();
    }

    private void due(String name, String ago) throws SQLException {
        database.execute(
                PostgresServer.OWNER,
                "UPDATE df._schedules SET next_at = date_trunc('minute', now()) - interval '" + ago
                        + "', due_at = now(), version = version + 1 WHERE name = '" + name + "'");
    }

    @Test
    void what_was_due_while_nobody_led_runs_once_each_with_its_planned_time_whatever_happens_to_the_workers()
            throws SQLException {
        app.value(
                "SELECT df.create_schedule('minutely', '* * * * *', 'INSERT INTO ledger VALUES (''minutely'', ''{sys_planned_at}'')'"
                        + " ~> 'SELECT 1', overlap => 'allow')");
        due("minutely", "20 minutes");
        try (InProcessWorker worker = InProcessWorker.start(database);
                InProcessWorker standby = afterwards(worker)) {
            app.awaitValue("t", "SELECT count(*) >= 26 FROM ledger");
            worker.close();
            due("minutely", "30 minutes");
            app.awaitValue("t", "SELECT count(*) >= 31 FROM ledger");
            app.value("SELECT df.pause_schedule('minutely', 'that is enough')");
            app.awaitValue(
                    "0",
                    "SELECT count(*) FROM df.instances WHERE label = 'minutely' AND status IN ('pending', 'running')");
        }
        assertThat(app.value("SELECT concat_ws(' ', count(*) - count(DISTINCT planned),"
                        + " (SELECT count(*) FROM df.schedule_runs WHERE schedule = 'minutely' AND outcome = 'started') - count(*),"
                        + " count(*) FILTER (WHERE NOT EXISTS (SELECT FROM df.schedule_runs r WHERE r.planned_at = l.planned::timestamptz)))"
                        + " FROM ledger l WHERE schedule = 'minutely'"))
                .isEqualTo("0 0 0");
        app.value("SELECT df.drop_schedule('minutely')");
    }

    /** A second worker, once the first one has done something, lost its memory, and done it again. */
    private InProcessWorker afterwards(InProcessWorker worker) throws SQLException {
        app.awaitValue("t", "SELECT count(*) >= 21 FROM ledger");
        due("minutely", "25 minutes");
        worker.loseMemory();
        return InProcessWorker.candidate(database, Map.of());
    }

    @Test
    void a_run_that_is_replaced_is_cancelled_and_the_one_that_waits_begins_after_it() throws SQLException {
        for (String overlap : new String[] {"cancel_other", "buffer"}) {
            app.value(
                    "SELECT df.create_schedule(?, '@yearly', " + Submitter.GATE + " ~> 'SELECT 1', overlap => ?)",
                    overlap,
                    overlap);
        }
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String replaced = app.value("SELECT df.trigger_schedule('cancel_other')");
            String before = app.value("SELECT df.trigger_schedule('buffer')");
            due("cancel_other", "1 minute");
            due("buffer", "1 minute");
            database.execute(
                    PostgresServer.OWNER,
                    "UPDATE df._schedules SET cron = '* * * * *' WHERE name IN ('cancel_other', 'buffer')");
            app.awaitValue(
                    "t",
                    "SELECT count(*) > 0 FROM df.schedule_runs WHERE schedule = 'buffer' AND outcome = 'buffered'");
            database.execute(
                    PostgresServer.OWNER,
                    "UPDATE df._schedules SET cron = '@yearly' WHERE name IN ('cancel_other', 'buffer')");
            assertThat(app.await(replaced).output())
                    .isEqualTo("canceled: Schedule 'cancel_other': its next run is due");
            app.awaitValue(
                    "t",
                    "SELECT count(*) > 0 FROM df.schedule_runs WHERE schedule = 'cancel_other' AND outcome = 'started' AND reason = 'buffered'");
            app.open(before);
            assertThat(app.await(before).status()).isEqualTo("completed");
            app.awaitValue(
                    "t",
                    "SELECT count(*) > 0 FROM df.schedule_runs WHERE schedule = 'buffer' AND outcome = 'started' AND reason = 'buffered'");
        }
    }
}
