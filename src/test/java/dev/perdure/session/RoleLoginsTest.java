package dev.perdure.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.Failure;
import dev.perdure.database.Failure.Kind;
import dev.perdure.session.SessionPools.Key;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Logging in as a role that cannot be logged in as: one attempt at a time, nobody else waits for it, nothing fails. */
class RoleLoginsTest {

    private static final Key APP = new Key(42, null);

    private final Map<Long, String> published = new HashMap<>();
    private final List<Duration> pauses = new ArrayList<>();
    private final List<Key> told = new ArrayList<>();
    private final List<String> logged = new ArrayList<>();
    private final Handler handler = new Lines();
    private @Nullable Runnable next;
    private @Nullable SQLException answer;
    private int attempts;
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private final RoleLogins logins = new RoleLogins(new Roles(), true, () -> now, new Later());

    private final class Lines extends Handler {
        @Override
        public void publish(LogRecord line) {
            if (line.getLevel().intValue() >= Level.INFO.intValue()) {
                logged.add(line.getLevel() + " " + String.format(line.getMessage(), line.getParameters()));
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    /** Time passes when the test says so. */
    private final class Later implements RoleLogins.Timer {
        @Override
        public void after(Duration pause, Runnable task) {
            assertThat(next).as("one attempt at a time").isNull();
            pauses.add(pause);
            next = task;
        }

        @Override
        public void close() {}
    }

    private final class Roles implements SubmitterRoles {
        @Override
        public CompletionStage<Optional<Role>> role(long oid) {
            return CompletableFuture.completedFuture(Optional.of(new Role("app", null)));
        }

        @Override
        public CompletionStage<Void> begin(boolean passwords) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> refused(long oid, String problem) {
            published.put(oid, problem);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Void> accepted(long oid) {
            published.remove(oid);
            return CompletableFuture.completedFuture(null);
        }
    }

    @BeforeEach
    void begin() {
        Logger.getLogger(RoleLogins.class.getName()).addHandler(handler);
        logins.begin(role -> {
            attempts++;
            if (answer != null) {
                throw answer;
            }
        });
        logins.onSession(told::add);
    }

    @AfterEach
    void end() {
        Logger.getLogger(RoleLogins.class.getName()).removeHandler(handler);
        logins.close();
    }

    private Failure refuse(String state, String message) {
        answer = new SQLException(message, state);
        return logins.failed(APP, "app", answer);
    }

    private void tick() {
        Runnable due = next;
        next = null;
        assertThat(due).isNotNull();
        now = now.plus(pauses.get(pauses.size() - 1));
        due.run();
    }

    @Test
    void pauses_grow_from_half_a_second_to_half_a_minute() {
        refuse("28P01", "password authentication failed");
        for (int i = 0; i < 8; i++) {
            tick();
        }

        assertThat(pauses.stream().map(Duration::toMillis))
                .containsExactly(500L, 1000L, 2000L, 4000L, 8000L, 16_000L, 30_000L, 30_000L, 30_000L);
    }

    @Test
    void all_others_are_told_at_once_with_the_reason_and_nobody_tries() {
        refuse("28P01", "password authentication failed");

        for (int i = 0; i < 200; i++) {
            assertThatThrownBy(() -> logins.enter(APP))
                    .asInstanceOf(InstanceOfAssertFactories.type(StepFailedException.class))
                    .extracting(StepFailedException::failure)
                    .extracting(Failure::kind, Failure::message)
                    .containsExactly(Kind.LOGIN, "password authentication failed");
        }
        assertThat(attempts).isZero();
        assertThatCode(() -> logins.enter(new Key(43, null))).doesNotThrowAnyException();
        assertThatCode(() -> logins.enter(new Key(42, "other"))).doesNotThrowAnyException();
    }

    @Test
    void what_is_known_says_since_when_and_when_it_is_tried_again() {
        Instant since = now;
        refuse("53300", "too many connections for role \"app\"");
        tick();
        answer = new SQLException("the database system is shutting down", "57P03");
        tick();

        LoginTrouble trouble = logins.trouble(APP);
        assertThat(trouble).isNotNull();
        assertThat(trouble.since()).isEqualTo(since);
        assertThat(trouble.nextTry()).isEqualTo(now.plusSeconds(2));
        assertThat(trouble.reason().message()).contains("shutting down");
        assertThat(logins.troubles()).hasSize(1);
    }

    @Test
    void when_it_works_again_everybody_is_told_once_and_the_log_has_one_line_for_each_change() throws Exception {
        for (int i = 0; i < 16; i++) {
            // Those who were on their way already.
            refuse("28P01", "password authentication failed");
        }
        tick();
        tick();
        answer = null;
        tick();

        assertThat(attempts).isEqualTo(3);
        assertThat(told).containsExactly(APP);
        assertThat(logins.trouble(APP)).isNull();
        assertThat(next).isNull();
        logins.enter(APP);
        assertThat(logged)
                .hasSize(2)
                .first()
                .asString()
                .startsWith("WARN")
                .contains("cannot log in as app and tries again", "password authentication failed");
        assertThat(logged.get(1)).startsWith("INFO").contains("can log in as app again");
    }

    @Test
    void refusals_are_published_for_df_start_and_a_lack_of_connections_is_not() {
        refuse("53300", "too many connections");
        assertThat(published).isEmpty();

        answer = new SQLException("role \"app\" is not permitted to log in", "28000");
        tick();
        assertThat(logins.troubles()).hasSize(1);
        answer = null;
        tick();
        assertThat(published).isEmpty();

        refuse("28000", "role \"app\" is not permitted to log in");
        assertThat(published).containsEntry(42L, "role \"app\" is not permitted to log in");
        answer = null;
        tick();
        assertThat(published).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"28000", "28P01", "08004", "42501", "53300", "57P03", "25006", "55000", "3D000", "XX000"})
    void whatever_the_server_says_at_a_login_is_waited_for(String state) {
        assertThat(refuse(state, "no").kind()).isEqualTo(Kind.LOGIN);
    }

    @Test
    void a_network_that_is_away_is_a_lost_connection_and_tried_again_soon() {
        assertThat(refuse("08001", "connection refused").kind()).isEqualTo(Kind.CONNECTION_LOST);
        for (int i = 0; i < 6; i++) {
            tick();
        }

        assertThat(pauses.get(6)).isEqualTo(Duration.ofSeconds(1));
        assertThat(logged).isEmpty();
    }

    @Test
    void a_role_that_may_run_no_steps_fails_the_step_and_is_not_tried_again() {
        assertThat(refuse("DF004", "submitted_by role no longer exists in pg_roles")
                        .kind())
                .isEqualTo(Kind.STEP);
        assertThat(next).isNull();

        Key elsewhere = new Key(42, "nowhere");
        Failure failure =
                logins.failed(elsewhere, "app", new SQLException("database \"nowhere\" does not exist", "3D000"));
        assertThat(failure.kind()).isEqualTo(Kind.STEP);
        assertThat(failure.message()).contains("Failed to connect to database 'nowhere' as 'app'");
    }

    @Test
    void a_role_that_is_dropped_while_it_is_waited_for_is_told_so() {
        refuse("28000", "no");
        answer = new SQLException("submitted_by role no longer exists in pg_roles", "DF004");
        tick();

        assertThat(told).containsExactly(APP);
        assertThatCode(() -> logins.enter(APP)).doesNotThrowAnyException();
    }

    @Test
    void what_nobody_wants_any_more_is_not_tried_for_ever() {
        refuse("53300", "too many connections");
        now = now.plus(Duration.ofMinutes(3));
        tick();

        assertThat(attempts).isZero();
        assertThat(next).isNull();
        assertThat(logins.troubles()).isEmpty();
    }

    @Test
    void a_session_that_is_given_back_is_offered_to_those_who_wait_for_one() {
        logins.gaveBack(APP);
        assertThat(told).isEmpty();

        refuse("53300", "too many connections for role \"app\"");
        logins.gaveBack(APP);
        assertThat(told).containsExactly(APP);
    }
}
