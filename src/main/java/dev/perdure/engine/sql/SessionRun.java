package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.engine.actor.Companion;
import dev.perdure.engine.actor.Home;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Lane;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.flow.Activation;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.StepFailedException;
import dev.perdure.step.StatementGuard;
import dev.perdure.step.StepPort;
import dev.perdure.store.Journal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One stay of an instance in a session. It holds a slot from beginning to end, and runs on one thread at a time: the statement outside of
 * the instance's mailbox, its commit ({@link StepCommit}) within.
 */
final class SessionRun implements Runnable {

    private static final Logger LOG = Logger.getLogger(SessionRun.class);
    /** The time for which an instance keeps its session while others wait for one. */
    private static final long SLICE_NANOS = 20_000_000;

    private final SqlContext context;
    private final SqlExecutor executor;
    private final RetryPolicy retries;
    private final TransactionSharing sharing;
    private final InstanceActor actor;
    private final MemoryQuota.Holding memory;
    private final long begunAt;
    /** Reserved bytes that are not used yet. */
    private long free;

    private SqlAttempt attempt;
    private StepPort.@Nullable Session session;
    private boolean ended;
    /** Items that share the transaction of the attempt. */
    private List<Companion> companions = List.of();

    SessionRun(
            SqlContext context,
            SqlExecutor executor,
            RetryPolicy retries,
            TransactionSharing sharing,
            SqlAttempt first) {
        this.context = context;
        this.executor = executor;
        this.retries = retries;
        this.sharing = sharing;
        this.attempt = first;
        this.actor = first.actor();
        MemoryQuota.Holding reserved = first.reserved();
        this.memory = reserved == null ? context.memory().hold(actor.role()) : reserved;
        this.free = memory.bytes();
        this.begunAt = context.nanos().getAsLong();
    }

    // ---- on the thread, outside of the mailbox

    @Override
    public void run() {
        LogFields.with(actor.id(), attempt.activation().nodeId(), () -> {
            try {
                execute();
            } catch (RuntimeException | Error e) {
                LOG.errorf(e, "%s: the worker failed on this step", attempt);
                end();
                actor.post((self, drain) -> {
                    throw e;
                });
            }
        });
    }

    private void execute() {
        if (!attempt.isWanted()) {
            end();
            return;
        }
        String refused = StatementGuard.refuse(attempt.sql());
        if (refused != null) {
            end();
            retries.fail(attempt, "SQL execution failed: " + refused, "0A000");
            return;
        }
        StepPort.Session in = session();
        if (in == null) {
            return;
        }
        executor.begins(attempt);
        if (!attempt.runsIn(in)) {
            end();
            return;
        }
        if (attempt.statement().isReadOnly()) {
            look(in);
        } else if (attempt.manner().outsideTransaction() != null) {
            autocommit(in, attempt.manner().outsideTransaction());
        } else if (actor.sessions().database() != null) {
            new OtherDatabaseStep(this, attempt).run(in);
        } else {
            begin(in);
        }
    }

    /** Runs the statement in the transaction of its checkpoint, with the statements that may share it. */
    private void begin(StepPort.Session in) {
        Activation itemsOf = attempt.effect().itemsOf();
        if (itemsOf != null) {
            StepPort.ItemsTarget target = actor.checkpoints().itemsTarget(itemsOf);
            executed(in.freeze(attempt.statement(), target, limits()), List.of(attempt.statement()));
            return;
        }
        List<Statement> statements = sharing.statements(attempt, in);
        if (actor.item() != null && actor.checkpoints().isNew() && sharing.mayBeShared(attempt, in)) {
            companions = actor.home().companions(actor);
        }
        if (companions.isEmpty()) {
            executed(in.begin(statements, sharing.limits(this)), statements);
        } else {
            companions.forEach(companion -> statements.add(companion.effect().statement()));
            executed(in.beginItems(statements, sharing.limits(this)), statements);
        }
    }

    private void executed(StepPort.Executed executed, List<Statement> statements) {
        if (executed.results().isEmpty()) {
            failed(Objects.requireNonNull(executed.failure(), "no result and no failure"));
        } else if (!companions.isEmpty() && executed.failure() != null) {
            failedTogether(executed.failure());
        } else {
            actor.post(new StepCommit(this, attempt, executed, statements), Lane.SESSIONS);
        }
    }

    private StepPort.@Nullable Session session() {
        if (session != null) {
            return session;
        }
        try {
            session = context.port().borrow(actor.sessions());
            return session;
        } catch (StepFailedException e) {
            context.statistics().loginFailed();
            end();
            retries.noSession(attempt, e.failure());
            return null;
        }
    }

    /** Runs a query that only looks. The owner writes its checkpoint: its own transaction writes nothing. */
    private void look(StepPort.Session in) {
        StepPort.Executed executed = in.begin(List.of(attempt.statement()), limits());
        if (executed.failure() != null) {
            failed(executed.failure());
            return;
        }
        SqlAttempt done = attempt;
        Result result = executed.results().get(0);
        actor.memory().force(memory.bytes());
        in.rollback();
        end();
        retries.succeededByItself(done, result, "");
    }

    private void autocommit(StepPort.Session in, String reason) {
        StepPort.Executed executed = in.autocommit(attempt.statement(), limits());
        if (executed.failure() != null) {
            failed(executed.failure());
            return;
        }
        SqlAttempt done = attempt;
        Result result = executed.results().get(0);
        actor.memory().force(memory.bytes());
        end();
        retries.succeededByItself(done, result, reason);
    }

    /** Ends the stay after a failed statement, whose transaction is gone. */
    void failed(Failure failure) {
        SqlAttempt failed = attempt;
        long had = memory.bytes();
        current().rollback();
        end();
        retries.failed(failed, failure, had);
    }

    /** Has items that failed in one transaction tried alone, which shows the one to blame, if any. */
    void failedTogether(Failure failure) {
        SqlAttempt first = attempt;
        companionsOver(Home.CompanionOutcome.FAILED);
        current().rollback();
        end();
        retries.alone(first, failure);
    }

    /** The items that share the transaction. */
    List<Companion> companions() {
        return companions;
    }

    /** Tells the map the outcome of the items that shared the transaction. */
    void companionsOver(Home.CompanionOutcome outcome) {
        if (!companions.isEmpty()) {
            List<Companion> were = companions;
            companions = List.of();
            actor.home().companionsOver(were, outcome);
        }
    }

    /** Gives the transaction up, to be tried again, since the next decision finds no memory now. */
    void waitsForMemory() {
        SqlAttempt waiting = attempt;
        long had = memory.bytes();
        current().rollback();
        end();
        retries.waitForMemory(waiting, had);
    }

    StepPort.Limits limits() {
        return limits(null);
    }

    /** The limits of a statement; reserved memory is used first. */
    StepPort.Limits limits(@Nullable Duration joined) {
        return new StepPort.Limits(
                new StepPort.ResultBudget() {
                    @Override
                    public boolean take(long bytes) {
                        if (bytes <= free || memory.take(bytes - free)) {
                            free = Math.max(0, free - bytes);
                            return true;
                        }
                        return false;
                    }

                    @Override
                    public void giveBack(long bytes) {
                        if (attempt.reserved() == null) {
                            memory.give(bytes);
                        } else {
                            free += bytes;
                        }
                    }
                },
                joined);
    }

    // ---- what follows within the mailbox

    InstanceActor actor() {
        return actor;
    }

    SqlContext context() {
        return context;
    }

    TransactionSharing sharing() {
        return sharing;
    }

    RetryPolicy retries() {
        return retries;
    }

    SqlExecutor executor() {
        return executor;
    }

    MemoryQuota.Holding memory() {
        return memory;
    }

    SqlAttempt attempt() {
        return attempt;
    }

    StepPort.Session current() {
        if (session == null) {
            throw new IllegalStateException(attempt + ": there is no session");
        }
        return session;
    }

    /** Whether the next statement of the instance may run in this session at once. */
    boolean mayGoOn() {
        return !executor.isClosed()
                && (!executor.isContended(actor) || context.nanos().getAsLong() - begunAt < SLICE_NANOS);
    }

    /** Frees the session for the next statement, which {@link #run} executes. */
    void goesOnWith(SqlAttempt next) {
        executor.ended(attempt);
        attempt.leavesSession();
        if (attempt.hasMadeRoom()) {
            // The cancel request came too late for its own statement, and would meet the next one: that one has another
            // session.
            current().giveBack();
            session = null;
        }
        memory.set(0);
        free = 0;
        attempt = next;
    }

    /** Gives session, memory and slot back. */
    void end() {
        if (ended) {
            return;
        }
        ended = true;
        companionsOver(Home.CompanionOutcome.ROLLED_BACK);
        executor.ended(attempt);
        attempt.leavesSession();
        StepPort.Session last = session;
        session = null;
        if (last != null) {
            last.giveBack();
        }
        attempt.over();
        memory.close();
        executor.release(actor);
    }

    /** Lets the owner claim the next version, which shows whether a lost commit happened. */
    void claim(Journal.Write claim, Consumer<Journal.Written> answer) {
        context.writes().write(actor.role(), claim, answer);
    }
}
