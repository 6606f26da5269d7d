package dev.perdure.step;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.flow.Result;
import dev.perdure.session.PasswordSource;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.RoundTrips;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps on a server as people have it: passwords by SCRAM, TLS, JIT on. */
class DebianStepsTest {

    private static final PasswordSource PASSWORDS = role -> Optional.of(DebianServer.password(role));
    private static DebianServer server;
    private static String database;

    @BeforeAll
    static void begin() {
        server = DebianServer.get();
        database = server.newDatabase();
        server.createUser("debian_app", database);
        DebianServer.execute(server.worker(database), Steps.STAND_IN);
    }

    @Test
    void a_step_runs_over_tls_with_a_password_and_commits_with_its_checkpoint() throws Exception {
        try (Steps steps = new Steps(server.worker(database), List.of(PASSWORDS), 1024 * 1024)) {
            StepPort.Session session = steps.steps.borrow(steps.key("debian_app"));
            StepPort.Executed ran = session.begin(
                    List.of(
                            "SELECT s.ssl, current_setting('jit') AS jit, session_user::text AS who, count(*) AS n"
                                    + " FROM pg_stat_ssl s, generate_series(1, 1000000) WHERE s.pid = pg_backend_pid() GROUP BY 1"),
                    Steps.FREE);
            session.commit(steps.checkpoint("{}"));
            session.giveBack();

            assertThat(ran.results())
                    .extracting(Result::json)
                    .containsExactly(
                            "{\"rows\":[{\"ssl\":true,\"jit\":\"on\",\"who\":\"debian_app\",\"n\":1000000}],\"row_count\":1}");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void a_chain_of_steps_costs_two_round_trips_whatever_its_length(int length) throws Exception {
        try (RoundTrips wire = new RoundTrips(server.port())) {
            DatabaseUrl owner = server.url(wire.port(), "df_worker", DebianServer.password("df_worker"), database);
            try (Steps steps = new Steps(owner, List.of(PASSWORDS), 1024 * 1024)) {
                StepPort.Session session = steps.steps.borrow(steps.key("debian_app"));
                session.begin(List.of("SELECT 1 AS n"), Steps.FREE);
                session.commit(Steps.checkpoint("warm" + length, 1, 1, "{}"));

                int before = wire.count();
                session.begin(Collections.nCopies(length, "SELECT 1 AS n"), Steps.FREE);
                assertThat(wire.count() - before).isEqualTo(1);
                session.commit(Steps.checkpoint("chain" + length, 1, 1, "{}"));
                session.giveBack();

                assertThat(wire.count() - before).isEqualTo(2);
            }
        }
    }
}
