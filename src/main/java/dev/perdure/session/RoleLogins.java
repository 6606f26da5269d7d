package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.database.LogText;
import dev.perdure.session.SessionPools.Key;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Roles that the worker cannot log in as at this moment. Meanwhile one login at a time is tried for a role and database, with growing
 * pauses, and all other requests fail at once without one. Refusals are published, so that {@code df.start} reports them too. Thread-safe.
 */
public final class RoleLogins implements AutoCloseable {

    /** Opens a session of a role and keeps it for the next request. */
    @FunctionalInterface
    interface Attempt {
        void logIn(Key role) throws SQLException;
    }

    /** Runs tasks later. */
    interface Timer extends AutoCloseable {
        void after(Duration pause, Runnable task);

        @Override
        void close();
    }

    private static final Logger LOG = Logger.getLogger(RoleLogins.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    /** The longest pause where the server gave no answer: it may answer at any moment. */
    private static final Duration LONGEST_PAUSE_UNANSWERED = Duration.ofSeconds(1);
    /** The time without a request after which a login is no longer tried, unless {@code df.start} refuses because of it. */
    private static final Duration WANTED = Duration.ofMinutes(2);

    private static final long ANSWER_LIMIT_SECONDS = 30;

    private final SubmitterRoles roles;
    private final boolean passwords;
    private final InstantSource clock;
    private final Timer timer;
    private final Map<Key, Trouble> troubles = new ConcurrentHashMap<>();
    private volatile Attempt attempt = role -> {};
    private volatile Consumer<Key> onSession = key -> {};

    /** The trouble of a role, and its next try. */
    private record Trouble(LoginTrouble known, Duration pause, Instant wanted, boolean published) {}

    /**
     * @param passwords whether the worker has passwords of submitters
     */
    public RoleLogins(SubmitterRoles roles, boolean passwords, InstantSource clock) {
        this(roles, passwords, clock, new LoginThreads());
    }

    RoleLogins(SubmitterRoles roles, boolean passwords, InstantSource clock, Timer timer) {
        this.roles = roles;
        this.passwords = passwords;
        this.clock = clock;
        this.timer = timer;
    }

    void begin(Attempt opens) {
        attempt = opens;
        report(roles.begin(passwords), "The logins of this term are not announced");
    }

    /** Sets the listener for roles in trouble that can have a session: a new one, or one that was given back. */
    public void onSession(Consumer<Key> listener) {
        onSession = listener;
    }

    /** The reason why no new session of the role can be opened; null when none is known. */
    public @Nullable LoginTrouble trouble(Key role) {
        Trouble trouble = troubles.get(role);
        return trouble == null ? null : trouble.known();
    }

    /** All troubles. */
    public List<LoginTrouble> troubles() {
        return troubles.values().stream().map(Trouble::known).toList();
    }

    /** Checks before a login: fails at once while another one is waited for. */
    void enter(Key role) throws StepFailedException {
        Trouble trouble = troubles.computeIfPresent(
                role,
                (key, before) -> new Trouble(before.known(), before.pause(), clock.instant(), before.published()));
        if (trouble != null) {
            throw new StepFailedException(trouble.known().reason());
        }
    }

    /** Notes that a session was given back, and tells those who wait for one of a role in trouble. */
    void gaveBack(Key role) {
        if (!troubles.isEmpty() && troubles.containsKey(role)) {
            onSession.accept(role);
        }
    }

    /**
     * The present name of the role. It can have been renamed since its instance was started, and another role can have its former name.
     *
     * @throws SQLException with {@link LoginFailures#FORBIDDEN} when no step may run as it
     */
    String nameOf(Key role) throws SQLException {
        SubmitterRoles.Role now = await(roles.role(role.roleOid()))
                .orElseThrow(() ->
                        new SQLException("submitted_by role no longer exists in pg_roles", LoginFailures.FORBIDDEN));
        if (now.problem() != null) {
            throw new SQLException(now.problem(), LoginFailures.FORBIDDEN);
        }
        return now.name();
    }

    /**
     * Notes a failed login.
     *
     * @param name of the role, as far as it is known
     * @return its meaning
     */
    Failure failed(Key role, String name, SQLException e) {
        Failure failure = LoginFailures.of(e, role);
        if (failure.kind() == Failure.Kind.STEP) {
            forget(role);
            return LoginFailures.said(failure, role, name);
        }
        boolean refused = LoginFailures.isRefusal(failure) && role.database() == null;
        Instant now = clock.instant();
        Trouble known = new Trouble(
                new LoginTrouble(role, name, failure, now, now.plus(FIRST_PAUSE)), FIRST_PAUSE, now, refused);
        if (troubles.putIfAbsent(role, known) == null) {
            log(failure, known, refused);
            later(role, FIRST_PAUSE);
        }
        if (refused) {
            report(roles.refused(role.roleOid(), failure.message()), "That a role cannot log in is not published");
        }
        return failure;
    }

    private static void log(Failure failure, Trouble trouble, boolean refused) {
        String text = "The worker cannot log in as %s%s and tries again; %s: %s";
        String database = trouble.known().key().database() == null
                ? ""
                : " in database " + trouble.known().key().database();
        String consequence = refused ? "its steps wait, and df.start refuses it" : "its steps wait";
        Logger.Level level = failure.kind() == Failure.Kind.LOGIN ? Logger.Level.WARN : Logger.Level.DEBUG;
        LOG.logf(
                level,
                text,
                LogText.of(trouble.known().role()),
                LogText.of(database),
                consequence,
                LogText.of(failure.message()));
    }

    private void later(Key role, Duration pause) {
        timer.after(pause, () -> tryAgain(role));
    }

    private void tryAgain(Key role) {
        Trouble before = troubles.get(role);
        if (before == null) {
            return;
        }
        if (!before.published() && before.wanted().plus(WANTED).isBefore(clock.instant())) {
            forget(role);
            return;
        }
        try {
            attempt.logIn(role);
            works(role);
        } catch (SQLException e) {
            Failure failure = LoginFailures.of(e, role);
            if (failure.kind() == Failure.Kind.STEP) {
                works(role);
            } else {
                waitLonger(role, failure);
            }
        } catch (RuntimeException e) {
            LOG.errorf(e, "Trying to log in as role %d failed", role.roleOid());
            waitLonger(role, before.known().reason());
        }
    }

    private void waitLonger(Key role, Failure failure) {
        Duration longest = failure.kind() == Failure.Kind.LOGIN ? LONGEST_PAUSE : LONGEST_PAUSE_UNANSWERED;
        Instant now = clock.instant();
        Trouble waits = troubles.computeIfPresent(role, (key, before) -> {
            Duration doubled = before.pause().multipliedBy(2);
            Duration pause = doubled.compareTo(longest) < 0 ? doubled : longest;
            LoginTrouble known = new LoginTrouble(
                    key, before.known().role(), failure, before.known().since(), now.plus(pause));
            boolean published = before.published() || LoginFailures.isRefusal(failure) && key.database() == null;
            return new Trouble(known, pause, before.wanted(), published);
        });
        if (waits != null) {
            if (LoginFailures.isRefusal(failure) && role.database() == null) {
                report(roles.refused(role.roleOid(), failure.message()), "That a role cannot log in is not published");
            }
            later(role, waits.pause());
        }
    }

    /** Ends the trouble of a role, with a session, or with a failure that is the step's own. */
    private void works(Key role) {
        LoginTrouble over = forget(role);
        if (over != null) {
            Logger.Level level = over.reason().kind() == Failure.Kind.LOGIN ? Logger.Level.INFO : Logger.Level.DEBUG;
            LOG.logf(level, "The worker can log in as %s again", LogText.of(over.role()));
            onSession.accept(role);
        }
    }

    private @Nullable LoginTrouble forget(Key role) {
        Trouble over = troubles.remove(role);
        if (over != null && over.published()) {
            report(roles.accepted(role.roleOid()), "That a role can log in again is not published");
        }
        return over == null ? null : over.known();
    }

    private static void report(CompletionStage<Void> published, String problem) {
        published.whenComplete((done, failure) -> {
            if (failure != null) {
                LOG.debugf("%s: %s", problem, failure);
            }
        });
    }

    private static <T> T await(CompletionStage<T> answer) throws SQLException {
        try {
            return answer.toCompletableFuture().get(ANSWER_LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new SQLException("the worker's own session does not answer: " + e.getMessage(), "08006", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted while a session was opened", "08006", e);
        }
    }

    @Override
    public void close() {
        timer.close();
    }
}
