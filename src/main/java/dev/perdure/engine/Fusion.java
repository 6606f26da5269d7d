package dev.perdure.engine;

import dev.perdure.database.Failure;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.flow.Result;
import dev.perdure.graph.Node;
import dev.perdure.graph.SqlNode;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.StepSession;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Runs short steps that follow one another in one transaction (ADR 12). Effects and checkpoints stay atomic: all of them
 * are committed together, or none.
 */
final class Fusion {

    private static final Logger LOG = Logger.getLogger(Fusion.class);
    private static final int MAX_STEPS = 16;
    /** No step joins a transaction that is older than this many times the limit. */
    private static final int MAX_AGE = 5;
    /** A statement that was always short and is not any more is given up after this many times the limit. */
    private static final int CUT_OFF = 10;
    // What only the neighbour can have caused: the step is run again in a transaction of its own.
    private static final Set<String> NEIGHBOUR = Set.of("25006", "42P05", "42P07", "55006");

    private final TermContext context;
    private final ShortSteps shortSteps;
    private final long limitNanos;
    private final long limitMillis;

    Fusion(TermContext context) {
        this.context = context;
        this.limitNanos = context.settings().shareBelow().toNanos();
        this.limitMillis = Math.max(1, TimeUnit.NANOSECONDS.toMillis(limitNanos));
        this.shortSteps = new ShortSteps(context.settings().shareBelow());
    }

    /** A step was executed, in whatever way. */
    void took(StepTask task, long nanos) {
        String template = template(task.instance(), task.effect());
        if (limitNanos > 0 && template != null) {
            shortSteps.took(task.instance().sessions().roleOid(), template, nanos);
        }
    }

    /**
     * Runs what follows in the same transaction, for as long as it may.
     *
     * @throws StepFailedException when the transaction is gone, and nothing of the chain can be committed
     */
    void extend(StepChain chain, StepSession session) throws StepFailedException {
        StepTask first = chain.first();
        LiveInstance instance = first.instance();
        if (limitNanos <= 0
                || first.isAlone()
                || !session.canShareTransaction()
                || !context.sqlStep().canShareTransaction(first.effect().sql())) {
            return;
        }
        InstanceState ahead = null;
        while (chain.size() < MAX_STEPS && System.nanoTime() - first.begunAt() < MAX_AGE * limitNanos) {
            Effect.RunSql next = next(chain.last());
            if (next == null
                    || instance.isGone()
                    || first.isInterrupted()
                    || context.queue().isClosed()
                    || !mayShare(instance, next)) {
                return;
            }
            if (ahead == null) {
                ahead = instance.state().copy();
            }
            ahead.apply(chain.last());
            if (ahead.activeSteps() != 1
                    || ahead.earliestWake() != null
                    || !ahead.signalWaits().isEmpty()) {
                return;
            }
            StepTask task = new StepTask(instance, next, next.attempt() + 1);
            Decision decision = execute(chain, session, ahead, task);
            if (decision == null) {
                return;
            }
            chain.add(task, decision);
        }
    }

    private @Nullable Decision execute(StepChain chain, StepSession session, InstanceState ahead, StepTask task)
            throws StepFailedException {
        task.started(context.clock().instant());
        try {
            Result result =
                    context.sqlStep().executeNext(session, task.effect().sql(), CUT_OFF * limitMillis, limitMillis);
            took(task, System.nanoTime() - task.begunAt());
            return Interpreter.decide(ahead, success(task, result));
        } catch (StepFailedException e) {
            undo(chain, session, task, e);
            boolean ownFault = e.failure().kind() == Failure.Kind.STEP
                    && !NEIGHBOUR.contains(e.failure().sqlState());
            chain.undone(task, ownFault ? e.failure() : null);
        } catch (RuntimeException | StackOverflowError e) {
            // Found again when it runs alone, and handled there.
            LogFields.with(task, () -> LOG.debugf(e, "%s: the decision failed", task));
            undo(chain, session, task, new StepFailedException(new Failure(Failure.Kind.TRANSIENT, null, "" + e)));
            chain.undone(task, null);
        }
        return null;
    }

    private void undo(StepChain chain, StepSession session, StepTask task, StepFailedException failure)
            throws StepFailedException {
        String template = template(task.instance(), task.effect());
        if (template != null) {
            shortSteps.forget(task.instance().sessions().roleOid(), template);
        }
        if (!session.rollbackToLastStep()) {
            throw failure;
        }
        LogFields.with(
                task,
                () -> LOG.debugf(
                        "%s does not share the transaction of %s: %s", task, chain.first(), failure.getMessage()));
    }

    private Event success(StepTask task, Result result) {
        Instant startedAt = Objects.requireNonNull(task.startedAt(), "a step that runs has a beginning");
        return new Event.StepSucceeded(
                task.activation(),
                result,
                task.effect().sql(),
                startedAt,
                task.attempt(),
                context.clock().instant());
    }

    /** The step that the decision starts, when that is all it does. */
    private static Effect.@Nullable RunSql next(Decision decision) {
        boolean goesOn = decision.checkpoint().end() == null
                && decision.checkpoint().nextExecution() == null
                && decision.effects().size() == 1;
        return goesOn && decision.effects().get(0) instanceof Effect.RunSql run ? run : null;
    }

    private boolean mayShare(LiveInstance instance, Effect.RunSql next) {
        String template = template(instance, next);
        return template != null
                && shortSteps.contains(instance.sessions().roleOid(), template)
                && context.sqlStep().canShareTransaction(next.sql());
    }

    private static @Nullable String template(LiveInstance instance, Effect.RunSql effect) {
        Node node = instance.state().graph().node(effect.activation().nodeId());
        return node instanceof SqlNode sql ? sql.sql() : null;
    }
}
