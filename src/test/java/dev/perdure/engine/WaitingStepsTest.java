package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Why a step is not being executed is to be seen at its node, and its instance is shown as taken up. */
class WaitingStepsTest {

    private static final String REASON =
            "SELECT status_details #>> '{waits,reason}' FROM df.nodes WHERE instance_id = ? AND node_type = 'SQL'";
    private final TestDatabase database = PostgresServer.get().newDatabase();

    @Test
    void a_step_whose_role_has_no_connection_left() throws SQLException {
        database.createUser("waits_limited");
        database.asSuperuser("ALTER ROLE waits_limited CONNECTION LIMIT 1");
        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter owner = Submitter.at(database.url())) {
            String id;
            try (Submitter app = Submitter.of(database, "waits_limited")) {
                id = app.start("'SELECT 1' |=> 'a' ~> 'SELECT $a.x'");
                app.awaitValue(
                        "too many connections for role \"waits_limited\"", REASON + " AND query = 'SELECT 1'", id);
                assertThat(app.value("SELECT df.status(?)", id)).isEqualTo("running");
                app.awaitValue(
                        "THEN running, SQL pending, SQL pending",
                        "SELECT string_agg(node_type || ' ' || status, ', ' ORDER BY node_type DESC, query) FROM df.nodes"
                                + " WHERE instance_id = ?",
                        id);
                app.awaitValue(
                        "t",
                        "SELECT (status_details #>> '{waits,since}')::timestamptz <= now()"
                                + " AND (status_details #>> '{waits,next_try}')::timestamptz"
                                + " > (status_details #>> '{waits,since}')::timestamptz"
                                + " FROM df.nodes WHERE instance_id = ? AND status_details #>> '{waits,reason}' IS NOT NULL",
                        id);
            }
            owner.awaitValue("failed", "SELECT status FROM df.instances WHERE id = ?", id);
            assertThat(owner.value(
                            "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND status_details #> '{waits}' IS NOT NULL",
                            id))
                    .as("what it waited for is over")
                    .isEqualTo("0");
            assertThat(worker.statistics().stepsFailed()).isOne();
        } finally {
            database.asSuperuser("ALTER ROLE waits_limited CONNECTION LIMIT -1");
        }
    }

    @Test
    void a_step_for_which_there_is_no_session_and_that_runs_in_the_end() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(
                        database,
                        Map.of("perdure.step.max-concurrent", "1", "perdure.step.max-concurrent-per-role", "1"));
                Submitter app = Submitter.of(database, "waits_queue")) {
            app.execute("CREATE SEQUENCE door");
            String first = app.start("'DO $d$BEGIN WHILE (SELECT NOT is_called FROM door) LOOP PERFORM pg_sleep(0.02);"
                    + " END LOOP; END$d$'");
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", first);
            String second = app.start("'SELECT pg_sleep(3600)'");
            app.awaitValue(
                    "the sessions of the worker, or those that this role may have of them, are in use"
                            + " (perdure.step.max-concurrent, perdure.step.max-concurrent-per-role)",
                    REASON,
                    second);
            assertThat(app.value("SELECT df.status(?)", second)).isEqualTo("running");
            assertThat(app.value("SELECT status FROM df.nodes WHERE instance_id = ?", second))
                    .isEqualTo("pending");

            app.value("SELECT nextval('door')");

            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", second);
            assertThat(app.value(REASON, second)).as("it waits no more").isNull();
            app.value("SELECT df.cancel(?)", second);
            assertThat(app.await(second).status()).isEqualTo("cancelled");
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        }
    }
}
