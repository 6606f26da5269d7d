package dev.perdure.engine;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Event;
import dev.perdure.flow.Result;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.StepSession;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.jboss.logging.Logger;

/**
 * Executes steps, one at a time on each thread that runs this: the statement and the checkpoint that it leads to in one
 * transaction of the submitter's session (architecture 4).
 */
final class StepRunner implements Runnable {

    private static final Logger LOG = Logger.getLogger(StepRunner.class);

    private final TermContext context;
    private final Turns turns;
    private final StepTroubles troubles;
    private final OtherDatabaseStep otherDatabase;
    private final Fusion fusion;

    StepRunner(TermContext context, Turns turns) {
        this.context = context;
        this.turns = turns;
        this.troubles = new StepTroubles(context, turns);
        this.otherDatabase = new OtherDatabaseStep(context, turns, troubles);
        this.fusion = new Fusion(context);
    }

    @Override
    public void run() {
        try {
            for (StepTask task = context.queue().take();
                    task != null;
                    task = context.queue().take()) {
                StepTask next = task;
                LogFields.with(next, () -> runGuarded(next));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void runGuarded(StepTask task) {
        try {
            run(task);
        } catch (RuntimeException | Error e) {
            LOG.errorf(e, "%s: the worker failed on this step", task);
            turns.breakDown(task.instance(), "internal error: " + e);
            release(task);
        } finally {
            context.executing().remove(task);
        }
    }

    private void run(StepTask task) {
        LiveInstance instance = task.instance();
        String sql = task.effect().sql();
        if (task.isInterrupted() || instance.isGone()) {
            release(task);
            return;
        }
        task.started(turns.now());
        context.executing().add(task);
        String refused = context.sqlStep().refuse(sql);
        if (refused != null) {
            release(task);
            troubles.fail(task, refused, "0A000");
            return;
        }
        StepSession session;
        try {
            session = context.pools().borrow(instance.sessions());
        } catch (StepFailedException e) {
            release(task);
            troubles.notConnected(task, e.failure());
            return;
        }
        if (!task.runsIn(session)) {
            giveBack(task, session);
            return;
        }
        try {
            if (task.outsideTransaction() == null && instance.sessions().database() != null) {
                otherDatabase.run(task, session);
            } else if (task.outsideTransaction() == null) {
                long from = System.nanoTime();
                Result result = context.sqlStep().execute(session, sql);
                fusion.took(task, System.nanoTime() - from);
                instance.post(() -> succeeded(task, session, result));
            } else {
                Result result = context.sqlStep().executeAutocommit(session, sql);
                giveBack(task, session);
                instance.post(() -> succeededOutsideTransaction(task, task.outsideTransaction(), result));
            }
        } catch (StepFailedException e) {
            giveBack(task, session);
            if (context.sqlStep().needsAutocommit(e.failure(), sql)) {
                troubles.runOutsideTransaction(task, e.failure());
            } else {
                troubles.failed(task, e.failure());
            }
        } catch (RuntimeException | Error e) {
            giveBack(task, session);
            throw e;
        }
    }

    private boolean succeededOutsideTransaction(StepTask task, String reason, Result result) {
        LiveInstance instance = task.instance();
        instance.steps().remove(task.activation(), task);
        turns.completed(task);
        return turns.decide(
                instance, success(task, result), Map.of(task.activation().nodeId(), reason));
    }

    private Event success(StepTask task, Result result) {
        Instant startedAt = Objects.requireNonNull(task.startedAt(), "a step that runs has a beginning");
        return new Event.StepSucceeded(
                task.activation(), result, task.effect().sql(), startedAt, task.attempt(), turns.now());
    }

    /** The turn of a step whose statement succeeded and whose transaction is still open. */
    private boolean succeeded(StepTask task, StepSession session, Result result) {
        LiveInstance instance = task.instance();
        Activation activation = task.activation();
        if (instance.isGone() || task.isInterrupted() || !instance.state().isActive(activation)) {
            session.rollback();
            giveBack(task, session);
            return true;
        }
        Decision decision = turns.interpret(instance, success(task, result));
        if (decision == null) {
            session.rollback();
            giveBack(task, session);
            return true;
        }
        StepChain chain = new StepChain(task, decision);
        try {
            fusion.extend(chain, session);
        } catch (StepFailedException e) {
            giveBack(task, session);
            troubles.chainFailed(chain, e.failure());
            return true;
        } catch (RuntimeException | Error e) {
            giveBack(task, session);
            throw e;
        }
        return commit(chain, session);
    }

    private boolean commit(StepChain chain, StepSession session) {
        StepTask task = chain.first();
        try {
            String status = session.commit(
                    chain.call(context.store().term(), task.instance().id()));
            troubles.committed(chain, status);
            giveBack(task, session);
            return true;
        } catch (StepFailedException e) {
            giveBack(task, session);
            return troubles.notCommitted(chain, e.failure());
        } catch (RuntimeException | Error e) {
            giveBack(task, session);
            throw e;
        }
    }

    private void giveBack(StepTask task, StepSession session) {
        task.leavesSession();
        context.pools().giveBack(task.instance().sessions(), session);
        release(task);
    }

    private void release(StepTask task) {
        context.queue().release(task);
    }
}
