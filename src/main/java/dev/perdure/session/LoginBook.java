package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.database.LogText;
import dev.perdure.store.InstanceStore;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;

/**
 * Which roles the worker could not log in as in this term. They are published, so that {@code df.start} refuses them with
 * the reason, and tried again until it works. Thread-safe.
 */
public final class LoginBook implements AutoCloseable {

    /** Tries to log in as a role. */
    @FunctionalInterface
    interface Attempt {
        void logIn(SessionPools.Key role) throws SQLException;
    }

    /** SQLSTATE of a role that may not run steps at all; the message is meant for the submitter as it is. */
    public static final String REFUSED = "DF004";

    private static final Logger LOG = Logger.getLogger(LoginBook.class);
    private static final long RETRY_SECONDS = 5;
    private static final long ANSWER_LIMIT_SECONDS = 30;

    private final InstanceStore store;
    private final boolean passwords;
    private final Map<SessionPools.Key, String> failing = new ConcurrentHashMap<>();
    private final ScheduledThreadPoolExecutor retry;

    /**
     * @param passwords whether the worker has passwords of submitters
     */
    public LoginBook(InstanceStore store, boolean passwords) {
        this.store = store;
        this.passwords = passwords;
        this.retry = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "perdure-logins");
            thread.setDaemon(true);
            return thread;
        });
    }

    void begin(Attempt attempt) {
        store.beginLogins(passwords).onFailure(e -> LOG.debugf("The logins of this term are not announced: %s", e));
        retry.scheduleWithFixedDelay(() -> tryAgain(attempt), RETRY_SECONDS, RETRY_SECONDS, TimeUnit.SECONDS);
    }

    /**
     * What the role is called now. It can have been renamed since its instance was started, and another role can have its
     * former name.
     *
     * @throws SQLException {@link #REFUSED} when no step may run as it
     */
    String nameOf(SessionPools.Key role) throws SQLException {
        InstanceStore.Role now = await(store.role(role.roleOid()))
                .orElseThrow(() -> new SQLException("submitted_by role no longer exists in pg_roles", REFUSED));
        if (now.problem() != null) {
            throw new SQLException(now.problem(), REFUSED);
        }
        return now.name();
    }

    /** Whether the server refused to let the role in, whatever is tried again. */
    static boolean refusedByServer(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        // 08004 comes from pgjdbc when the server asks for a way to log in that it was not given (a password).
        return state.startsWith("28") || state.equals("08004") || state.equals("42501");
    }

    void failed(SessionPools.Key role, String name, SQLException e) {
        if (role.database() != null || !refusedByServer(e)) {
            return;
        }
        String problem = Failure.of(e).message();
        if (failing.put(role, problem) == null) {
            LOG.warnf(
                    "The worker cannot log in as %s; df.start refuses it until that works again: %s",
                    LogText.of(name), LogText.of(problem));
        }
        store.loginFailed(role.roleOid(), problem)
                .onFailure(f -> LOG.debugf("That %s cannot log in is not published: %s", name, f));
    }

    void succeeded(SessionPools.Key role, String name) {
        if (failing.isEmpty() || failing.remove(role) == null) {
            return;
        }
        LOG.infof("The worker can log in as %s again", name);
        store.loginWorks(role.roleOid()).onFailure(f -> LOG.debugf("That %s can log in is not published: %s", name, f));
    }

    private void tryAgain(Attempt attempt) {
        for (SessionPools.Key role : failing.keySet()) {
            try {
                attempt.logIn(role);
            } catch (SQLException e) {
                if (REFUSED.equals(e.getSQLState())) {
                    failing.remove(role);
                }
                LOG.debugf("Role %d still cannot log in: %s", role.roleOid(), e.getMessage());
            } catch (RuntimeException e) {
                LOG.errorf(e, "Trying to log in as role %d failed", role.roleOid());
            }
        }
    }

    private static <T> T await(Future<T> answer) throws SQLException {
        try {
            return answer.toCompletionStage().toCompletableFuture().get(ANSWER_LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new SQLException("the worker's own session does not answer: " + e.getMessage(), "08006", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted while a session was opened", "08006", e);
        }
    }

    @Override
    public void close() {
        retry.shutdownNow();
    }
}
