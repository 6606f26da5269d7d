package dev.perdure.engine.sql;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.queue.FairQueue;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import dev.perdure.session.SessionPools;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Statements that wait for a session, and those that run in one. Thread-safe. */
public final class SqlExecutor {

    private final SqlContext context;
    private final FairQueue<SqlAttempt> queue;
    private final TransactionSharing sharing;
    private final RetryPolicy retries;
    private final Set<SqlAttempt> executing = ConcurrentHashMap.newKeySet();
    private final Map<SessionPools.Key, Queue<SqlAttempt>> withoutSession = new ConcurrentHashMap<>();
    /** By role, the statement that waits for memory. */
    private final Map<Long, SqlAttempt> claims = new ConcurrentHashMap<>();

    public SqlExecutor(SqlContext context) {
        this.context = context;
        SqlContext.Settings settings = context.settings();
        this.queue =
                new FairQueue<>(new FairQueue.Limits(settings.slots(), settings.slotsPerRole(), settings.reserve()));
        this.sharing = new TransactionSharing(context);
        this.retries = new RetryPolicy(context, this);
        context.port().onSession(this::sessionIsThere);
    }

    /** Runs a statement as soon as there is a session for it. Within the actor's mailbox. */
    public void start(InstanceActor actor, Effect.RunSql effect) {
        add(attempt(actor, effect));
    }

    SqlAttempt attempt(InstanceActor actor, Effect.RunSql effect) {
        SqlAttempt attempt = new SqlAttempt(
                actor, effect, SqlAttempt.first(effect), context.nanos().getAsLong());
        actor.attempts().put(attempt.activation(), attempt);
        return attempt;
    }

    void add(SqlAttempt attempt) {
        queue.add(attempt.actor().role(), attempt.actor().id(), attempt);
        pump();
    }

    /** The same step once more, in another manner; dropped when nobody waits for it any more. */
    void again(SqlAttempt attempt, SqlAttempt.Manner manner, Duration pause) {
        SqlAttempt next = next(attempt, manner);
        if (next == null) {
            return;
        }
        if (pause.isZero()) {
            add(next);
        } else {
            context.timers().after(pause, () -> {
                if (next.isWanted()) {
                    add(next);
                }
            });
        }
    }

    private @Nullable SqlAttempt next(SqlAttempt attempt, SqlAttempt.Manner manner) {
        InstanceActor actor = attempt.actor();
        SqlAttempt next =
                new SqlAttempt(actor, attempt.effect(), manner, context.nanos().getAsLong());
        // An interruption in the meantime finds the new one.
        boolean isNext = attempt.isWanted() && actor.attempts().replace(attempt.activation(), attempt, next);
        return isNext ? next : null;
    }

    /** The same, also as soon as its role, which could not log in, has a session to be had. */
    void againWithSession(SqlAttempt attempt, SqlAttempt.Manner manner, Duration pause) {
        SqlAttempt next = next(attempt, manner);
        if (next == null) {
            return;
        }
        SessionPools.Key key = next.actor().sessions();
        Queue<SqlAttempt> waiting = withoutSession.computeIfAbsent(key, role -> new ConcurrentLinkedQueue<>());
        waiting.add(next);
        context.timers().after(pause, () -> goesOn(waiting, next));
    }

    private void goesOn(Queue<SqlAttempt> waiting, SqlAttempt attempt) {
        if (waiting.remove(attempt) && attempt.isWanted()) {
            add(attempt);
        }
    }

    /** One that waits goes on, and the next ones when that one has got a session; all of them when nothing is wrong any more. */
    private void sessionIsThere(SessionPools.Key role) {
        Queue<SqlAttempt> waiting = withoutSession.get(role);
        if (waiting == null) {
            return;
        }
        boolean works = context.port().loginTrouble(role) == null;
        for (SqlAttempt next = waiting.peek(); next != null; next = works ? waiting.peek() : null) {
            goesOn(waiting, next);
        }
        if (works) {
            withoutSession.remove(role, waiting);
            // Who came in between is found by its timer.
        }
    }

    /** Starts what has a slot. */
    private void pump() {
        for (SqlAttempt next = queue.poll(this::hasMemory); next != null; next = queue.poll(this::hasMemory)) {
            next.takesSlot();
            SessionRun run = new SessionRun(context, this, retries, sharing, next);
            context.threads().execute(run);
        }
    }

    /** Memory may be there again for an attempt that wants it before it begins. */
    public void memoryIsFree() {
        pump();
    }

    /** Instances that hold memory which a statement of another instance of their role waits for. */
    public Predicate<InstanceActor> inTheWay() {
        claims.forEach((role, attempt) -> {
            if (!attempt.isWanted() && claims.remove(role, attempt)) {
                context.memory().claim(role, false);
            }
        });
        return actor -> {
            SqlAttempt first = claims.get(actor.role());
            return first != null && first.actor() != actor;
        };
    }

    private boolean hasMemory(SqlAttempt attempt) {
        if (attempt.manner().memory() == 0) {
            return true;
        }
        long role = attempt.actor().role();
        MemoryQuota.Holding holding = context.memory().hold(role);
        boolean fits = holding.take(attempt.manner().memory());
        if (fits) {
            attempt.reserves(holding);
            claims.remove(role);
        } else {
            claims.put(role, attempt);
        }
        context.memory().claim(role, !fits);
        return fits;
    }

    /** A run has given its session back. */
    void release(InstanceActor actor) {
        queue.release(actor.role());
        pump();
    }

    boolean isContended(InstanceActor actor) {
        return queue.isContended(actor.role());
    }

    boolean isClosed() {
        return queue.isClosed();
    }

    void begins(SqlAttempt attempt) {
        attempt.takesSlot();
        attempt.begins(context.clock().instant(), context.nanos().getAsLong());
        executing.add(attempt);
    }

    void ended(SqlAttempt attempt) {
        executing.remove(attempt);
    }

    /** Calls for each statement that has been executing for longer, until it has answered or ended. */
    public void longRunning(Duration than, LongRunning caller) {
        long limit = context.nanos().getAsLong() - than.toNanos();
        for (SqlAttempt attempt : executing) {
            if (attempt.begunAt() - limit <= 0) {
                caller.runs(attempt.actor(), attempt.activation(), attempt.startedAt(), attempt.number());
            }
        }
    }

    /** Told of statements that have been executing for a while. */
    @FunctionalInterface
    public interface LongRunning {
        void runs(InstanceActor actor, Activation activation, @Nullable Instant startedAt, int attempt);
    }

    /** Fails attempts that have waited for a slot for too long (specification 4.6); only where a limit is set. */
    public void failThoseWaitingTooLong() {
        Duration limit = context.settings().acquireTimeout();
        if (limit.isZero()) {
            return;
        }
        long now = context.nanos().getAsLong();
        for (SqlAttempt attempt : queue.removeIf(waiting -> now - waiting.queuedAt() > limit.toNanos())) {
            retries.fail(
                    attempt,
                    "pg_durable: connection limit reached (max_user_connections="
                            + context.settings().slots() + "). Timed out after " + limit.toSeconds()
                            + "s waiting for an available execution slot.",
                    "53300");
        }
    }

    /** Statements that wait. */
    public int queued() {
        return queue.queued();
    }

    /** Sessions in use. */
    public int inUse() {
        return queue.inUse();
    }

    /** Nothing begins any more. */
    public void close() {
        queue.close();
    }
}
