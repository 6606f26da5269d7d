package dev.perdure.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.Failure;
import dev.perdure.database.Failure.Kind;
import dev.perdure.database.KeepAliveSocketFactory;
import dev.perdure.flow.result.Result;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.StepFailedException;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.RoundTrips;
import java.net.Socket;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import jdk.net.ExtendedSocketOptions;
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
                    Steps.texts(
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
                session.begin(Steps.texts("SELECT 1 AS n"), Steps.FREE);
                session.commit(Steps.checkpoint("warm" + length, 1, 1, "{}"));

                int before = wire.count();
                session.begin(Collections.nCopies(length, Steps.text("SELECT 1 AS n")), Steps.FREE);
                assertThat(wire.count() - before).isEqualTo(1);
                session.commit(Steps.checkpoint("chain" + length, 1, 1, "{}"));
                session.giveBack();

                assertThat(wire.count() - before).isEqualTo(2);
            }
        }
    }

    @Test
    void a_session_that_reaches_a_standby_is_a_lost_connection_and_no_failed_step() throws Exception {
        int standby = server.standby();
        DatabaseUrl owner = server.url(standby, "df_worker", DebianServer.password("df_worker"), database);
        // The worker leads on the primary, and its address leads to the standby from now on.
        try (Steps steps = new Steps(owner, List.of(PASSWORDS), 1024, server.worker(database))) {
            StepFailedException refused =
                    catchThrowableOfType(StepFailedException.class, () -> steps.steps.borrow(steps.key("debian_app")));

            assertThat(refused.failure().kind()).isEqualTo(Kind.CONNECTION_LOST);
            assertThat(refused.failure().message()).contains("reached another server");
        }
        // Nothing but the standby was ever seen.
        try (Steps steps = new Steps(owner, List.of(PASSWORDS), 1024)) {
            StepPort.Session session = steps.steps.borrow(steps.key("debian_app"));
            Failure failure = session.begin(Steps.texts("SELECT 1"), Steps.FREE).failure();
            session.giveBack();

            assertThat(failure).isNotNull();
            assertThat(failure.sqlState()).isEqualTo("0A000");
            assertThat(failure.kind()).isEqualTo(Kind.CONNECTION_LOST);
            assertThat(steps.pools.idleCount()).isZero();
        }
    }

    @Test
    void both_ends_ask_whether_the_other_is_still_there() throws Exception {
        try (Steps steps = new Steps(server.worker(database), List.of(PASSWORDS), 1024)) {
            StepPort.Session session = steps.steps.borrow(steps.key("debian_app"));
            StepPort.Executed ran = session.begin(
                    Steps.texts("SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) AS s FROM pg_settings"
                            + " WHERE name ~ '^tcp_(keep|user)'"),
                    Steps.FREE);
            session.giveBack();

            assertThat(ran.results().get(0).json())
                    .contains("tcp_keepalives_count=3 tcp_keepalives_idle=15 tcp_keepalives_interval=5"
                            + " tcp_user_timeout=30000");
        }
        try (Socket socket = new KeepAliveSocketFactory().createSocket()) {
            assertThat(socket.getKeepAlive()).isTrue();
            assertThat(socket.getOption(ExtendedSocketOptions.TCP_KEEPIDLE)).isEqualTo(15);
        }
    }
}
