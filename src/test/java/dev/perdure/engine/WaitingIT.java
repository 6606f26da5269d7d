package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A real worker process is killed while instances wait for signals, deadlines, schedules and attempts. */
class WaitingIT {

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "waiting_app");
        app.execute("CREATE SEQUENCE runs; CREATE FUNCTION fails_until(n int) RETURNS bigint LANGUAGE plpgsql AS $$"
                + " DECLARE run bigint := nextval('runs'); BEGIN IF run < n THEN RAISE 'run %', run; END IF;"
                + " RETURN run; END $$");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    @Test
    void all_of_them_go_on_where_they_were() throws SQLException {
        String signal;
        String deadline;
        String retry;
        String schedule;
        try (WorkerProcess worker = WorkerProcess.start(database.url()).awaitLeader()) {
            signal = app.start("df.wait_for_signal('go', 3600)");
            deadline = app.start("df.wait_for_signal('never', 3)");
            retry = app.start("df.retry('SELECT fails_until(2)', 3, '3 s')");
            schedule = app.start("df.wait_for_schedule('* * * * *')");
            app.awaitValue("4", "SELECT count(*) FROM df.nodes WHERE status = 'running' AND wake_at IS NOT NULL");
            worker.kill();
        }
        assertThat(app.value("SELECT df.signal(?, 'go', '{\"by\": \"me\"}')", signal))
                .isEqualTo("OK");
        try (WorkerProcess worker = WorkerProcess.start(database.url()).awaitLeader()) {
            assertThat(app.await(signal).status()).isEqualTo("completed");
            assertThat(app.result(signal).at("/data/by").asText()).isEqualTo("me");
            assertThat(app.await(deadline).status()).isEqualTo("completed");
            assertThat(app.result(deadline).get("timed_out").asBoolean()).isTrue();
            assertThat(app.await(retry).status()).isEqualTo("completed");
            assertThat(app.value("SELECT last_value FROM runs")).as("attempts").isEqualTo("2");
            app.awaitValue("completed", "SELECT status FROM df.instances WHERE id = ?", schedule);
            assertThat(worker.health("group/leader")).isEqualTo(200);
        }
    }
}
