package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.database.LogText;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.flow.Event;
import dev.perdure.flow.Remark;
import dev.perdure.flow.result.Result;
import dev.perdure.step.SqlStep;
import dev.perdure.store.Journal.Mark;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The next action after a step that did not simply succeed. A failure that the step can have caused itself counts as an attempt, which is
 * on record before the next one begins; too many fail the step. Trouble of the server, or our own, is waited out.
 */
final class RetryPolicy {

    private static final Logger LOG = Logger.getLogger(RetryPolicy.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(20);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);
    /** Least bytes for a result that found no memory. */
    private static final long LEAST_MEMORY = 64 * 1024;

    private static final String MADE_ROOM =
            "all sessions of the worker were in use, and a role that had none got this one"
                    + " (perdure.step.max-concurrent, perdure.step.role-reserve)";

    private final SqlContext context;
    private final SqlExecutor executor;

    RetryPolicy(SqlContext context, SqlExecutor executor) {
        this.context = context;
        this.executor = executor;
    }

    /** Handles a failed statement, whose transaction is gone. */
    void failed(SqlAttempt attempt, Failure failure) {
        failed(attempt, failure, 0);
    }

    /**
     * Handles a failed statement, whose transaction is gone.
     *
     * @param had bytes that were taken for its result
     */
    void failed(SqlAttempt attempt, Failure failure, long had) {
        if (!attempt.isWanted()) {
            return;
        }
        if (attempt.madeRoom(failure)) {
            waitForTurn(attempt);
        } else if (failure.kind() == Failure.Kind.NO_MEMORY) {
            wantMemory(attempt, failure, had);
        } else if (failure.isServersTrouble()) {
            waitItOut(attempt, failure);
        } else if (SqlStep.needsAutocommit(failure, attempt.sql())) {
            runOutsideTransaction(attempt, failure);
        } else {
            switch (failure.kind()) {
                case TRANSIENT, CONNECTION_LOST, LOCK_TIMEOUT -> countAndTryAgain(attempt, failure);
                default -> fail(attempt, SqlStep.message(failure), failure);
            }
        }
    }

    /** Handles the failure to get a session. */
    void noSession(SqlAttempt attempt, Failure failure) {
        if (!attempt.isWanted()) {
            return;
        }
        if (failure.kind() == Failure.Kind.STEP) {
            fail(attempt, failure.message(), failure);
        } else {
            waitItOut(attempt, failure);
        }
    }

    /** Handles rows of ours that the checkpoint needs and that their own user has locked: the step is not to blame. */
    void lockedOut(SqlAttempt attempt, Failure failure) {
        waitItOut(attempt, failure);
    }

    /** Puts a statement back into the queue, which was rolled back because a role without a session wanted its session. */
    private void waitForTurn(SqlAttempt attempt) {
        ended(attempt, StepReport.Outcome.RETRIED, MADE_ROOM);
        LogFields.with(
                attempt.actor().id(),
                attempt.activation().nodeId(),
                () -> LOG.infof("Step of %s is interrupted and runs again later: %s", attempt, MADE_ROOM));
        executor.again(attempt, attempt.manner(), Duration.ZERO);
    }

    /** Waits out trouble that is not the step's fault and does not count, until it is over or has lasted too long. */
    private void waitItOut(SqlAttempt attempt, Failure failure) {
        long now = context.nanos().getAsLong();
        long since =
                attempt.manner().waitingSince() == null ? now : attempt.manner().waitingSince();
        Duration waited = Duration.ofNanos(now - since);
        if (waited.compareTo(context.settings().giveUpAfter()) > 0) {
            String why = failure.kind() == Failure.Kind.LOGIN ? failure.message() : SqlStep.message(failure);
            fail(attempt, why + " (given up after " + waited.toSeconds() + " s)", failure);
            return;
        }
        Duration pause = between(Duration.ofMillis(50), waited.dividedBy(4), LONGEST_WAIT);
        if (waited.isZero()) {
            LogFields.with(
                    attempt.actor().id(),
                    attempt.activation().nodeId(),
                    () -> LOG.debugf("%s waits: %s", attempt, LogText.of(failure.message())));
        }
        if (failure.kind() == Failure.Kind.LOGIN) {
            executor.againWithSession(attempt, attempt.manner().waiting(since), pause, failure.message());
        } else {
            executor.again(attempt, attempt.manner().waiting(since), pause, failure.message());
        }
    }

    private static Duration between(Duration least, Duration wanted, Duration most) {
        Duration atLeast = wanted.compareTo(least) < 0 ? least : wanted;
        return atLeast.compareTo(most) > 0 ? most : atLeast;
    }

    /**
     * Handles a result that found no memory: the next try has twice as much before it begins. A result that does not fit into all memory
     * that a role can have never will.
     */
    private void wantMemory(SqlAttempt attempt, Failure failure, long had) {
        SqlAttempt.Manner manner = attempt.manner();
        long own = attempt.actor().memory().bytes();
        // Not all of it, as long as others need some.
        long most = Math.max(
                        3 * context.memory().most() / 4, own + (context.memory().most() - own) / 2)
                - own;
        if (manner.memory() >= most) {
            fail(
                    attempt,
                    "SQL execution failed: " + failure.message()
                            + "; the worker's memory (perdure.memory.limit) has room for "
                            + context.memory().most() + " bytes of one role",
                    "54000");
            return;
        }
        long wanted = Math.max(LEAST_MEMORY, 2 * Math.max(had, manner.memory()));
        againWithMemory(attempt, Math.min(wanted, most));
    }

    /** Tries again when the decision on a result found no memory, since others had it: that is over sooner or later. */
    void waitForMemory(SqlAttempt attempt, long had) {
        againWithMemory(
                attempt, Math.max(LEAST_MEMORY, Math.max(had, attempt.manner().memory())));
    }

    private void againWithMemory(SqlAttempt attempt, long bytes) {
        executor.again(attempt, attempt.manner().withMemory(bytes), Duration.ofMillis(50));
    }

    /** Tries again after a pause. The number of attempts is committed first: a step can cause its own failures. */
    private void countAndTryAgain(SqlAttempt attempt, Failure failure) {
        int most = context.settings().retries();
        if (attempt.number() > most) {
            fail(attempt, SqlStep.message(failure) + " (given up after " + attempt.number() + " attempts)", failure);
            return;
        }
        ended(attempt, StepReport.Outcome.RETRIED, failure.message());
        LogFields.with(
                attempt.actor().id(),
                attempt.activation().nodeId(),
                () -> LOG.infof(
                        "Step of %s is tried again (attempt %d of %d): %s",
                        attempt, attempt.number() + 1, most + 1, LogText.of(failure.message())));
        Duration pause =
                between(FIRST_PAUSE, FIRST_PAUSE.multipliedBy(1L << Math.min(12, attempt.number())), LONGEST_PAUSE);
        SqlAttempt.Manner next = attempt.manner().next();
        record(attempt, next.number(), () -> executor.again(attempt, next, pause));
    }

    /**
     * Runs a statement that cannot run in a transaction block. The attempt is on record first, so that a crash in the middle shows; its
     * effect can happen more than once.
     */
    private void runOutsideTransaction(SqlAttempt attempt, Failure failure) {
        if (attempt.manner().outsideTransaction() != null) {
            fail(attempt, SqlStep.message(failure), failure);
            return;
        }
        SqlAttempt.Manner next = attempt.manner().outsideTransaction(failure.message());
        record(attempt, attempt.number(), () -> executor.again(attempt, next, Duration.ZERO));
    }

    private void record(SqlAttempt attempt, int number, Runnable then) {
        InstanceActor actor = attempt.actor();
        Mark mark = new Mark(
                actor.id(), attempt.activation().nodeId(), attempt.activation().stamp(), number, attempt.startedAt());
        context.begins()
                .begin(
                        actor.role(),
                        mark,
                        begun -> actor.post((self, drain) -> {
                            self.shown().written(attempt.activation());
                            then.run();
                            return true;
                        }));
    }

    /** Lets the owner write the checkpoint of a statement that succeeded outside of a transaction. */
    void succeededByItself(SqlAttempt attempt, Result result, String reason) {
        ended(attempt, StepReport.Outcome.COMPLETED, null);
        InstanceActor actor = attempt.actor();
        Instant now = context.clock().instant();
        Instant startedAt = attempt.startedAt() == null ? now : attempt.startedAt();
        actor.post((self, drain) -> {
            self.attempts().remove(attempt.activation(), attempt);
            return self.decide(
                    new Event.StepSucceeded(
                            attempt.activation(),
                            result,
                            attempt.sql(),
                            attempt.statement().params(),
                            startedAt,
                            attempt.number(),
                            now),
                    reason.isEmpty() ? Map.of() : Map.of(attempt.activation().nodeId(), reason));
        });
    }

    /** Handles the loss of a shared transaction, with the effects of all its steps. */
    void sharedFailed(SharedTransaction shared, Failure failure) {
        alone(shared.first(), failure);
    }

    /** Runs a statement again, in a transaction of its own. */
    void alone(SqlAttempt attempt, Failure failure) {
        if (attempt.isWanted()) {
            LOG.debugf("%s runs again, alone: %s", attempt, LogText.of(failure.message()));
            executor.again(attempt, attempt.manner().alone(), Duration.ZERO);
        }
    }

    /** Handles the step that was rolled back in a shared transaction: it gets one of its own, or has failed. */
    void rolledBack(SharedTransaction.RolledBack rolledBack) {
        SqlAttempt attempt = rolledBack.attempt();
        attempt.actor().attempts().put(attempt.activation(), attempt);
        if (rolledBack.failure() == null) {
            executor.again(attempt, attempt.manner().alone(), Duration.ZERO);
        } else {
            failed(attempt, rolledBack.failure());
        }
    }

    /** Handles a checkpoint that was refused because of the step or its result. Within the mailbox. */
    void checkpointFailed(SqlAttempt attempt, Failure failure) {
        if (attempt.madeRoom(failure)) {
            waitForTurn(attempt);
        } else if (failure.isServersTrouble()) {
            waitItOut(attempt, failure);
        } else if (failure.kind() == Failure.Kind.TRANSIENT) {
            countAndTryAgain(attempt, failure);
        } else {
            // Behind what has come meanwhile: when a limit was over before the commit failed, it is the limit's turn.
            fail(attempt, SqlStep.message(failure), failure);
        }
    }

    /** Fails the node with the given text, for a reason of ours. */
    void fail(SqlAttempt attempt, String message, @Nullable String sqlState) {
        fail(attempt, message, new Failure(Failure.Kind.STEP, sqlState, message));
    }

    private void fail(SqlAttempt attempt, String message, Failure failure) {
        ended(attempt, StepReport.Outcome.FAILED, message);
        LogFields.with(
                attempt.actor().id(),
                attempt.activation().nodeId(),
                () -> LOG.debugf("Step of %s failed: %s", attempt, LogText.of(message)));
        attempt.actor().post((self, drain) -> {
            self.attempts().remove(attempt.activation(), attempt);
            return self.decide(failure(attempt, message, failure), Map.of());
        });
    }

    private Event failure(SqlAttempt attempt, String message, Failure failure) {
        Instant now = context.clock().instant();
        Instant startedAt = attempt.startedAt() == null ? now : attempt.startedAt();
        return new Event.StepFailed(
                attempt.activation(),
                message,
                failure.sqlState(),
                failure.detail(),
                new Remark(failure.hint(), failure.position()),
                attempt.sql(),
                attempt.statement().params(),
                startedAt,
                attempt.number(),
                now);
    }

    private void ended(SqlAttempt attempt, StepReport.Outcome outcome, @Nullable String error) {
        context.statistics()
                .stepEnded(attempt.report(outcome, error, context.clock().instant()));
    }
}
