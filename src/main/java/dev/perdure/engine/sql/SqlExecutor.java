package dev.perdure.engine.sql;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.queue.FairQueue;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.queue.Neighbours;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import dev.perdure.session.LoginTrouble;
import dev.perdure.session.SessionPools;
import dev.perdure.store.Journal;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Iterator;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Executes statements: holds those that wait for a session, and those that run in one. Thread-safe. */
public final class SqlExecutor {

    /** The shortest wait for trouble that is written down: short waits must cost nothing. */
    private static final long TROUBLE_SHOWN_NANOS = 200_000_000;

    private static final long QUEUE_SHOWN_NANOS = 2_000_000_000;
    private static final long SOON_NANOS = 500_000_000;
    private static final Duration AT_WORK = Duration.ofSeconds(1);

    private final SqlContext context;
    private final FairQueue<SqlAttempt> queue;
    private final Neighbours neighbours;
    private final TransactionSharing sharing;
    private final RetryPolicy retries;
    private final Set<SqlAttempt> executing = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean cancels = new AtomicBoolean();
    /** Statements that have no slot yet. */
    private final Set<SqlAttempt> waiting = ConcurrentHashMap.newKeySet();

    private final Map<SessionPools.Key, Queue<SqlAttempt>> withoutSession = new ConcurrentHashMap<>();
    private final MemoryClaims<SqlAttempt> claims;

    public SqlExecutor(SqlContext context) {
        this.context = context;
        SqlContext.Settings settings = context.settings();
        this.queue =
                new FairQueue<>(new FairQueue.Limits(settings.slots(), settings.slotsPerRole(), settings.reserve()));
        this.neighbours = new Neighbours(context.nanos(), AT_WORK);
        this.claims = new MemoryClaims<>(context.memory());
        this.sharing = new TransactionSharing(context);
        this.retries = new RetryPolicy(context, this);
        context.port().onSession(this::sessionIsThere);
    }

    /** Runs a statement as soon as there is a session for it. Within the actor's mailbox. */
    public void start(InstanceActor actor, Effect.RunSql effect) {
        add(attempt(actor, effect));
    }

    /** Whether another role than this one had a statement to run a moment ago. */
    public boolean isSharedWithOthers(long role) {
        return neighbours.areAtWork(role);
    }

    SqlAttempt attempt(InstanceActor actor, Effect.RunSql effect) {
        SqlAttempt attempt = new SqlAttempt(
                actor, effect, SqlAttempt.Manner.of(effect), context.nanos().getAsLong());
        actor.attempts().put(attempt.activation(), attempt);
        return attempt;
    }

    void add(SqlAttempt attempt) {
        waiting.add(attempt);
        neighbours.works(attempt.actor().role());
        queue.add(attempt.actor().role(), attempt.actor().instance(), attempt);
        pump();
    }

    /** Runs a step again, in another manner, unless it is no longer wanted. */
    void again(SqlAttempt attempt, SqlAttempt.Manner manner, Duration pause) {
        again(attempt, manner, pause, null);
    }

    /**
     * Runs a step again, in another manner, unless it is no longer wanted.
     *
     * @param reason of the pause, when that is not the step's own doing
     */
    void again(SqlAttempt attempt, SqlAttempt.Manner manner, Duration pause, @Nullable String reason) {
        SqlAttempt next = next(attempt, manner);
        if (next == null) {
            return;
        }
        waitsFor(next, pause, reason);
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

    /** Runs a step again after a pause, or as soon as its role, which could not log in, can have a session. */
    void againWithSession(SqlAttempt attempt, SqlAttempt.Manner manner, Duration pause, String reason) {
        SqlAttempt next = next(attempt, manner);
        if (next == null) {
            return;
        }
        waitsFor(next, pause, reason);
        SessionPools.Key key = next.actor().sessions();
        Queue<SqlAttempt> held = withoutSession.computeIfAbsent(key, role -> new ConcurrentLinkedQueue<>());
        held.add(next);
        context.timers().after(pause, () -> goesOn(held, next));
    }

    private void waitsFor(SqlAttempt attempt, Duration pause, @Nullable String reason) {
        if (reason != null) {
            attempt.waits(
                    new SqlAttempt.Trouble(reason, context.clock().instant().plus(pause)));
            waiting.add(attempt);
        }
    }

    private void goesOn(Queue<SqlAttempt> held, SqlAttempt attempt) {
        if (held.remove(attempt) && attempt.isWanted()) {
            add(attempt);
        }
    }

    /** Lets one waiting statement of a role go on, and the next when that one has its session; all when the trouble is over. */
    private void sessionIsThere(SessionPools.Key role) {
        Queue<SqlAttempt> held = withoutSession.get(role);
        if (held == null) {
            return;
        }
        boolean works = context.port().loginTrouble(role) == null;
        for (SqlAttempt next = held.peek(); next != null; next = works ? held.peek() : null) {
            goesOn(held, next);
        }
        if (works) {
            withoutSession.remove(role, held);
            // Who came in between is found by its timer.
        }
    }

    /** Starts the statements that have a slot. */
    private void pump() {
        for (SqlAttempt next = queue.poll(this::hasMemory); next != null; next = queue.poll(this::hasMemory)) {
            next.takesSlot();
            waiting.remove(next);
            SessionRun run = new SessionRun(context, this, retries, sharing, next);
            context.threads().execute(run);
        }
    }

    /** Tries statements again that want memory before they begin: some may be free. */
    public void memoryIsFree() {
        pump();
    }

    /**
     * The instances that hold memory for which a statement waits: instances of the statement's role and, if they wait for memory
     * themselves, of roles whose statement has waited for less long. Otherwise two roles could wait for each other.
     */
    public Predicate<InstanceActor> inTheWay() {
        long now = context.nanos().getAsLong();
        if (claims.forget(attempt -> !attempt.isWanted())) {
            // The next one of its role waits from now on, and is what others are in the way of.
            pump();
        }
        SqlAttempt longest = claims.all().stream()
                .min(Comparator.comparingLong(attempt -> attempt.queuedAt() - now))
                .orElse(null);
        return actor -> {
            SqlAttempt first = claims.of(actor.role());
            return first != null
                    && (first.actor() != actor
                            || longest != null && longest.actor().role() != actor.role());
        };
    }

    private boolean hasMemory(SqlAttempt attempt) {
        // What nobody waits for any more leaves the queue at its turn, whatever it would have needed.
        if (attempt.manner().memory() == 0 || !attempt.isWanted()) {
            return true;
        }
        long role = attempt.actor().role();
        MemoryQuota.Holding holding = context.memory().hold(role);
        boolean fits = holding.takeInTurn(
                attempt.manner().memory(), attempt.actor().memory().bytes());
        if (fits) {
            attempt.reserves(holding);
            claims.has(role);
        } else {
            claims.waits(role, attempt);
        }
        return fits;
    }

    /** Frees the slot of a run that has given its session back. */
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

    /** Cancels interrupted statements that still execute; called now and then. Blocks while it asks the server. */
    public void cancelAgain() {
        if (cancels.compareAndSet(false, true)) {
            try {
                executing.forEach(SqlAttempt::cancelAgain);
            } finally {
                cancels.set(false);
            }
        }
    }

    /** Reports each statement that has executed for longer, until it has answered or ended. */
    public void longRunning(Duration than, LongRunning caller) {
        long limit = context.nanos().getAsLong() - than.toNanos();
        for (SqlAttempt attempt : executing) {
            if (attempt.begunAt() - limit <= 0) {
                caller.runs(attempt.actor(), attempt.activation(), attempt.startedAt(), attempt.number());
            }
        }
    }

    /**
     * Reports statements that have waited for a while, each once as long as its wait does not change.
     *
     * @param most calls
     */
    public void longWaiting(int most, LongWaiting caller) {
        long now = context.nanos().getAsLong();
        int told = 0;
        for (Iterator<SqlAttempt> all = waiting.iterator(); all.hasNext() && told < most; ) {
            SqlAttempt attempt = all.next();
            if (!attempt.isWanted()) {
                all.remove();
            } else {
                Journal.Wait wait = attempt.isWaitShown() ? null : waitOf(attempt, now);
                if (wait != null) {
                    attempt.waitIsShown();
                    told++;
                    caller.waits(attempt.actor(), attempt.activation(), wait);
                }
            }
        }
    }

    private Journal.@Nullable Wait waitOf(SqlAttempt attempt, long now) {
        SqlAttempt.Trouble trouble = attempt.trouble();
        if (trouble == null && now - attempt.queuedAt() < QUEUE_SHOWN_NANOS) {
            return null;
        }
        Instant clock = context.clock().instant();
        LoginTrouble login = trouble == null
                ? null
                : context.port().loginTrouble(attempt.actor().sessions());
        if (login != null) {
            return new Journal.Wait(login.reason().message(), login.since(), login.nextTry());
        }
        Long since = attempt.manner().waitingSince();
        if (trouble != null && since != null) {
            boolean isShort = now - since < TROUBLE_SHOWN_NANOS;
            return isShort
                    ? null
                    : new Journal.Wait(trouble.reason(), clock.minusNanos(now - since), trouble.nextTry());
        }
        String reason = attempt.manner().memory() > 0
                ? "its result needs memory of the worker that others have (perdure.memory.limit)"
                : "the sessions of the worker, or those that this role may have of them, are in use"
                        + " (perdure.step.max-concurrent, perdure.step.max-concurrent-per-role)";
        return new Journal.Wait(reason, clock.minusNanos(now - attempt.queuedAt()), null);
    }

    /** A receiver of statements that have waited for a while. */
    @FunctionalInterface
    public interface LongWaiting {
        void waits(InstanceActor actor, Activation activation, Journal.Wait wait);
    }

    /** A receiver of statements that have executed for a while. */
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

    /**
     * Makes room for a role without a session when none is left: interrupts the latest statement of the role that has the most sessions,
     * which then waits for its next turn. A statement that may end soon anyway goes on.
     */
    public void makeRoom() {
        Long role = queue.inTheWay();
        if (role == null) {
            return;
        }
        long now = context.nanos().getAsLong();
        executing.stream()
                .filter(attempt -> attempt.actor().role() == role && attempt.canMakeRoom())
                .min(Comparator.comparingLong(attempt -> now - attempt.begunAt()))
                .filter(attempt -> now - attempt.begunAt() > SOON_NANOS)
                .ifPresent(SqlAttempt::makeRoom);
    }

    /** Number of statements that wait. */
    public int queued() {
        return queue.queued();
    }

    /** Number of sessions in use. */
    public int inUse() {
        return queue.inUse();
    }

    /** Starts no more statements. */
    public void close() {
        queue.close();
    }
}
