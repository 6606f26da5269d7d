package dev.perdure.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.database.Failure;
import dev.perdure.database.Failure.Kind;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Roles that a real server refuses for a while: nothing fails, and the server is not stormed. */
class LoginWaitTest {

    private static Failure refused(Steps steps, SessionPools.Key key) {
        StepFailedException refused = catchThrowableOfType(StepFailedException.class, () -> steps.steps.borrow(key));
        assertThat(refused).isNotNull();
        return refused.failure();
    }

    private static CountDownLatch works(Steps steps) {
        CountDownLatch works = new CountDownLatch(1);
        steps.steps.onSession(key -> works.countDown());
        return works;
    }

    @Test
    @SuppressWarnings("try")
    void a_role_whose_connections_are_used_up_is_asked_for_seldom() throws Exception {
        TestDatabase database = PostgresServer.get().newDatabase();
        database.createUser("wait_limited");
        database.asSuperuser("ALTER ROLE wait_limited CONNECTION LIMIT 1");
        try (Steps steps = new Steps(database)) {
            SessionPools.Key key = steps.key("wait_limited");
            CountDownLatch works = works(steps);
            try (Connection theirs = database.connect("wait_limited")) {
                for (int i = 0; i < 200; i++) {
                    Failure failure = refused(steps, key);
                    assertThat(failure.kind()).isEqualTo(Kind.LOGIN);
                    assertThat(failure.sqlState()).isEqualTo("53300");
                }
                assertThat(steps.lookups.get()).isLessThanOrEqualTo(2);
            }
            assertThat(works.await(30, TimeUnit.SECONDS)).isTrue();
            StepPort.Session session = steps.steps.borrow(key);
            assertThat(session.begin(Steps.texts("SELECT 1"), Steps.FREE).failure())
                    .isNull();
            session.giveBack();
            assertThat(steps.steps.loginTrouble(key)).isNull();
        } finally {
            database.asSuperuser("ALTER ROLE wait_limited CONNECTION LIMIT -1");
        }
    }

    @Test
    void a_role_that_may_not_log_in_for_a_moment_goes_on_afterwards() throws Exception {
        TestDatabase database = PostgresServer.get().newDatabase();
        database.createUser("wait_nologin");
        database.asSuperuser("ALTER ROLE wait_nologin NOLOGIN");
        try (Steps steps = new Steps(database)) {
            SessionPools.Key key = steps.key("wait_nologin");
            CountDownLatch works = works(steps);
            assertThat(refused(steps, key).message()).contains("not permitted to log in");
            assertThat(steps.refused).containsKey(key.roleOid());

            database.asSuperuser("ALTER ROLE wait_nologin LOGIN");
            assertThat(works.await(30, TimeUnit.SECONDS)).isTrue();
            steps.steps.borrow(key).giveBack();
            assertThat(steps.refused).isEmpty();
        } finally {
            database.asSuperuser("ALTER ROLE wait_nologin LOGIN");
        }
    }

    @Test
    void a_role_that_was_dropped_fails_its_own_steps_with_the_reason() throws Exception {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (Steps steps = new Steps(database)) {
            Failure failure = refused(steps, new SessionPools.Key(4_000_000_001L, null));

            assertThat(failure.kind()).isEqualTo(Kind.STEP);
            assertThat(failure.message()).contains("no longer exists");
        }
    }

    @Test
    void a_password_that_was_changed_is_waited_for_until_the_worker_has_the_new_one() throws Exception {
        DebianServer server = DebianServer.get();
        String database = server.newDatabase();
        server.createUser("wait_password", database);
        PasswordSource passwords = role -> Optional.of(DebianServer.password(role));
        try (Steps steps = new Steps(server.worker(database), List.of(passwords), 1024)) {
            SessionPools.Key key = steps.key("wait_password");
            CountDownLatch works = works(steps);
            server.asSuperuser("postgres", "ALTER ROLE wait_password PASSWORD 'another'");
            Failure failure = refused(steps, key);
            assertThat(failure.kind()).isEqualTo(Kind.LOGIN);
            assertThat(failure.sqlState()).isEqualTo("28P01");

            server.asSuperuser(
                    "postgres", "ALTER ROLE wait_password PASSWORD '" + DebianServer.password("wait_password") + "'");
            assertThat(works.await(30, TimeUnit.SECONDS)).isTrue();
            steps.steps.borrow(key).giveBack();
        }
    }
}
