package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.FrozenGate;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/**
 * A network that loses what is sent to the server, without a word (ADR 92). The fault suite has the kernel drop packets; here a gate
 * does, which cannot show what the server's keepalives do: its session is ended by hand.
 */
@Slow("the limit of twenty seconds that it is about")
class SilentSessionTest {

    private static final String STEPS =
            " FROM pg_stat_activity WHERE application_name = 'perdure-step' AND datname = current_database()";

    @Test
    void a_step_whose_session_the_server_has_no_more_goes_on_in_another_one() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (FrozenGate gate = new FrozenGate(PostgresServer.get().port());
                InProcessWorker worker = InProcessWorker.start(through(gate, database));
                Submitter app = Submitter.of(database, "silent_app");
                Submitter observer = Submitter.observer(database)) {
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            // An instance has ended before its session is back, and the next step would log in once more.
            await("the session is back").until(() -> worker.statistics().sessionsIdle() == 1);
            gate.silence(Integer.parseInt(String.valueOf(observer.value("SELECT client_port" + STEPS))));
            String pid = String.valueOf(observer.value("SELECT pid" + STEPS));

            String id = app.start("'SELECT 2 AS n'");
            app.awaitValue("running", "SELECT status FROM df.instances WHERE id = ?", id);
            observer.value("SELECT pg_terminate_backend(" + pid + ")");

            var ended = app.await(id);
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.result(id).at("/rows/0/n").asInt()).isEqualTo(2);
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    private static DatabaseUrl through(FrozenGate gate, TestDatabase database) {
        return DatabaseUrl.parse("postgresql://127.0.0.1:" + gate.port() + "/")
                .withUser(PostgresServer.OWNER, null)
                .withDatabase(database.name());
    }
}
