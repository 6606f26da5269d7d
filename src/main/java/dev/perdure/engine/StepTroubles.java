package dev.perdure.engine;

import dev.perdure.database.Failure;
import dev.perdure.database.LogText;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Event;
import dev.perdure.store.InstanceStore.Mark;
import io.vertx.pgclient.PgException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** What happens to a step that did not just succeed: failed, tried again, run in autocommit mode, or in doubt. */
final class StepTroubles {

    private static final Logger LOG = Logger.getLogger(StepTroubles.class);
    /** invalid_sql_statement_name: the step has removed the prepared checkpoint call from its session. */
    private static final String DEALLOCATED = "26000";

    private static final long FIRST_DELAY_MILLIS = 20;
    private static final long MAX_DELAY_MILLIS = 10_000;

    private final TermContext context;
    private final Turns turns;

    StepTroubles(TermContext context, Turns turns) {
        this.context = context;
        this.turns = turns;
    }

    /** The statement failed; its transaction is gone. */
    void failed(StepTask task, Failure failure) {
        if (task.isInterrupted() || task.instance().isGone()) {
            return;
        }
        switch (failure.kind()) {
            case TRANSIENT, EXHAUSTED, CONNECTION_LOST, LOCK_TIMEOUT -> tryAgain(task, failure);
            default -> fail(task, context.sqlStep().message(failure), failure.sqlState());
        }
    }

    /** The node fails with the given text. */
    void fail(StepTask task, String message, @Nullable String sqlState) {
        LiveInstance instance = task.instance();
        ended(task, StepReport.Outcome.FAILED, message);
        LogFields.with(task, () -> {
            LOG.debugf(
                    "Step of instance %s, node %s failed: %s",
                    instance.id(), task.activation().nodeId(), LogText.of(message));
        });
        instance.post(() -> {
            instance.steps().remove(task.activation(), task);
            return turns.decide(instance, failure(task, message, sqlState));
        });
    }

    private void ended(StepTask task, StepReport.Outcome outcome, String error) {
        context.statistics().stepEnded(task.report(outcome, error, turns.now()));
    }

    private Event failure(StepTask task, String message, @Nullable String sqlState) {
        Instant now = turns.now();
        Instant startedAt = task.startedAt() == null ? now : task.startedAt();
        return new Event.StepFailed(
                task.activation(), message, sqlState, task.effect().sql(), startedAt, task.attempt(), now);
    }

    /** No session could be had. */
    void notConnected(StepTask task, Failure failure) {
        context.statistics().loginFailed();
        if (failure.kind() == Failure.Kind.STEP) {
            fail(task, failure.message(), failure.sqlState());
            return;
        }
        // Nothing was executed: this does not count as an attempt.
        LOG.debugf("No session for role %s, trying again: %s", task.instance().role(), LogText.of(failure.message()));
        enqueueLater(task.again(task.attempt()), task, 500);
    }

    /** The transaction of a chain was committed: memory advances, and the step that was undone gets one of its own. */
    void committed(StepChain chain, String status) {
        LiveInstance instance = chain.first().instance();
        instance.steps().remove(chain.first().activation(), chain.first());
        chain.tasks().forEach(task -> {
            turns.completed(task);
            if (LOG.isDebugEnabled()) {
                LogFields.with(
                        task,
                        () -> LOG.debugf(
                                "Step of instance %s, node %s completed: %s",
                                instance.id(),
                                task.activation().nodeId(),
                                task.effect().sql()));
            }
        });
        chain.decisions().subList(0, chain.size() - 1).forEach(instance.state()::apply);
        Decision last = chain.last();
        StepChain.Undone undone = chain.undone();
        if (undone == null) {
            turns.committed(instance, last, status);
            return;
        }
        turns.committed(instance, new Decision(last.checkpoint(), List.of(), last.change()), status);
        if (instance.isCancelled() || instance.isGone()) {
            return;
        }
        if (undone.failure() == null) {
            turns.enqueue(undone.task().alone());
        } else {
            instance.steps().put(undone.task().activation(), undone.task());
            failed(undone.task(), undone.failure());
        }
    }

    /** The transaction of a chain is gone, and with it what all of its steps did. */
    void chainFailed(StepChain chain, Failure failure) {
        StepTask first = chain.first();
        if (first.instance().isGone() || first.isInterrupted()) {
            return;
        }
        LOG.debugf("%s runs again, alone: %s", first, LogText.of(failure.message()));
        turns.enqueue(first.alone());
    }

    /**
     * The turn of a step whose checkpoint was refused, or whose commit is in doubt.
     *
     * @return whether the turn is over
     */
    boolean notCommitted(StepChain chain, Failure failure) {
        StepTask task = chain.first();
        LiveInstance instance = task.instance();
        if (instance.isGone() || task.isInterrupted()) {
            return true;
        }
        context.statistics().checkpointFailed(failure.kind());
        if (failure.kind() == Failure.Kind.CONNECTION_LOST) {
            resolve(chain, failure);
            return false;
        }
        if (chain.size() > 1) {
            chainFailed(chain, failure);
            return true;
        }
        if (DEALLOCATED.equals(failure.sqlState())) {
            tryAgain(task, failure);
            return true;
        }
        switch (failure.kind()) {
            // Stale or fenced: a deferred trigger of the user can say so too. The owner's own mark, with which another
            // try begins, finds the truth: it steps down, or loads the instance again, or the attempt counts.
            case TRANSIENT, EXHAUSTED, LOCK_TIMEOUT, STALE, FENCED -> tryAgain(task, failure);
            default -> {
                String message = context.sqlStep().message(failure);
                ended(task, StepReport.Outcome.FAILED, message);
                instance.steps().remove(task.activation(), task);
                return turns.decide(instance, failure(task, message, failure.sqlState()));
            }
        }
        return true;
    }

    /** The connection was lost around COMMIT: the last node's row says what happened to all. */
    private void resolve(StepChain chain, Failure failure) {
        StepTask task = chain.first();
        LiveInstance instance = task.instance();
        Activation activation = chain.tasks().get(chain.size() - 1).activation();
        context.store()
                .isCommitted(instance.id(), activation.nodeId(), activation.stamp())
                .onComplete(answer -> context.deciders().execute(() -> {
                    if (instance.isGone()) {
                        return;
                    }
                    if (answer.failed()) {
                        context.scheduler().schedule(() -> resolve(chain, failure), 200, TimeUnit.MILLISECONDS);
                        return;
                    }
                    LogFields.with(task, () -> {
                        LOG.infof(
                                "The connection of instance %s, node %s was lost around COMMIT; it was %s",
                                instance.id(), activation.nodeId(), answer.result() ? "committed" : "not committed");
                    });
                    if (answer.result()) {
                        committed(chain, "unknown");
                    } else if (chain.size() > 1) {
                        chainFailed(chain, failure);
                    } else {
                        tryAgain(task, failure);
                    }
                    instance.resume();
                }));
    }

    /** Runs the step again after a pause. The number of attempts is committed first: a step can cause its own failures. */
    private void tryAgain(StepTask task, Failure failure) {
        if (task.attempt() > context.settings().transientRetries()) {
            String message = context.sqlStep().message(failure) + " (given up after " + task.attempt() + " attempts)";
            fail(task, message, failure.sqlState());
            return;
        }
        ended(task, StepReport.Outcome.RETRIED, failure.message());
        LogFields.with(task, () -> {
            LOG.infof(
                    "Step of instance %s, node %s is tried again (attempt %d of %d): %s",
                    task.instance().id(),
                    task.activation().nodeId(),
                    task.attempt() + 1,
                    context.settings().transientRetries() + 1,
                    LogText.of(failure.message()));
        });
        long delay = Math.min(MAX_DELAY_MILLIS, FIRST_DELAY_MILLIS << Math.min(20, task.attempt()));
        StepTask next = task.again(task.attempt() + 1);
        record(task, next.attempt(), () -> enqueueLater(next, task, delay));
    }

    private void enqueueLater(StepTask next, StepTask previous, long delayMillis) {
        LiveInstance instance = previous.instance();
        // An interruption in the meantime finds the new task.
        if (instance.isGone() || !instance.steps().replace(previous.activation(), previous, next)) {
            return;
        }
        context.scheduler()
                .schedule(
                        () -> {
                            if (!next.isInterrupted() && !instance.isGone()) {
                                context.queue().add(next);
                            }
                        },
                        delayMillis,
                        TimeUnit.MILLISECONDS);
    }

    /**
     * The statement cannot run in a transaction block. That it runs is committed before, so that a crash in the middle is
     * visible as an attempt; its effect can happen more than once.
     */
    void runOutsideTransaction(StepTask task, Failure failure) {
        if (task.outsideTransaction() != null) {
            fail(task, context.sqlStep().message(failure), failure.sqlState());
            return;
        }
        StepTask next = task.outsideTransaction(failure.message());
        record(task, task.attempt(), () -> enqueueLater(next, task, 0));
    }

    private void record(StepTask task, int attempt, Runnable then) {
        LiveInstance instance = task.instance();
        Activation activation = task.activation();
        // Which stamp the row carries is known in a turn only.
        instance.post(() -> {
            String prior = instance.state().runningNodes().stream()
                    .filter(node -> node.nodeId().equals(activation.nodeId()))
                    .map(node -> node.priorStamp() == null ? "" : node.priorStamp())
                    .findFirst()
                    .orElse(activation.stamp());
            Mark mark = new Mark(
                    instance.id(),
                    activation.nodeId(),
                    prior.isEmpty() ? null : prior,
                    activation.stamp(),
                    task.startedAt(),
                    attempt);
            mark(instance, mark, then, 50);
            return true;
        });
    }

    private void mark(LiveInstance instance, Mark mark, Runnable then, long delayMillis) {
        context.store().mark(List.of(mark)).onComplete(done -> {
            if (instance.isGone()) {
                return;
            }
            if (done.failed() && done.cause() instanceof PgException e && "DF002".equals(e.getSqlState())) {
                context.stepDown().run();
            } else if (done.failed()) {
                context.scheduler()
                        .schedule(
                                () -> mark(instance, mark, then, Math.min(5000, delayMillis * 2)),
                                delayMillis,
                                TimeUnit.MILLISECONDS);
            } else if (done.result().isEmpty()) {
                // Locked or moved on.
                context.deciders().execute(() -> turns.loadAgain(instance));
            } else {
                context.deciders().execute(() -> {
                    instance.post(() -> {
                        instance.state().marked(mark.node(), mark.stamp());
                        return true;
                    });
                    then.run();
                });
            }
        });
    }
}
