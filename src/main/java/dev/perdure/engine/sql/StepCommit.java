package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.database.LogText;
import dev.perdure.engine.actor.Companion;
import dev.perdure.engine.actor.Drain;
import dev.perdure.engine.actor.Home;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Lane;
import dev.perdure.engine.actor.Message;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.Interpreter;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.StepFailedException;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The message that a statement has succeeded, and its transaction is open. The decision on it is committed in that transaction. Next steps
 * that may share the transaction run before the commit.
 */
final class StepCommit implements Message {

    private static final Logger LOG = Logger.getLogger(StepCommit.class);

    private final SessionRun run;
    private final SqlAttempt attempt;
    private final StepPort.Executed sent;
    private final List<Statement> statements;

    /**
     * A statement that has succeeded.
     *
     * @param sent its outcome, and that of the statements that were sent along with it
     */
    StepCommit(SessionRun run, SqlAttempt attempt, StepPort.Executed sent, List<Statement> statements) {
        this.run = run;
        this.attempt = attempt;
        this.sent = sent;
        this.statements = statements;
    }

    @Override
    public Lane lane() {
        return Lane.SESSIONS;
    }

    @Override
    public void dropped() {
        run.end();
    }

    @Override
    public boolean handle(InstanceActor actor, Drain drain) {
        if (attempt.isInterrupted() || !actor.state().isActive(attempt.activation())) {
            run.end();
            return true;
        }
        StepPort.Session session = run.current();
        Event succeeded = succeeded(attempt, sent.results().get(0), run);
        Runnable giveBack = actor.takeForDecision(succeeded);
        if (giveBack == null) {
            run.waitsForMemory();
            return true;
        }
        try {
            return goOn(actor, session, succeeded, drain);
        } finally {
            giveBack.run();
        }
    }

    private boolean goOn(InstanceActor actor, StepPort.Session session, Event succeeded, Drain drain) {
        SharedTransaction shared = new SharedTransaction(attempt, actor.interpret(succeeded));
        if (!run.companions().isEmpty()) {
            return commitTogether(actor, session, shared, drain);
        }
        StepFailedException broken = run.sharing().extend(shared, sent, statements, run);
        if (broken != null) {
            run.end();
            run.retries().sharedFailed(shared, broken.failure());
            return true;
        }
        return commit(actor, session, shared, drain);
    }

    static Event succeeded(SqlAttempt attempt, Result result, SessionRun run) {
        return new Event.StepSucceeded(
                attempt.activation(),
                result,
                attempt.sql(),
                attempt.statement().params(),
                Objects.requireNonNull(attempt.startedAt(), "a statement that ran has a beginning"),
                attempt.number(),
                run.context().clock().instant());
    }

    /** Ends items of one statement each, together. */
    private boolean commitTogether(
            InstanceActor actor, StepPort.Session session, SharedTransaction shared, Drain drain) {
        CheckpointRequest draft = draft(actor, shared);
        List<CheckpointRequest> all = new ArrayList<>(List.of(draft));
        for (int i = 0; i < run.companions().size(); i++) {
            Companion companion = run.companions().get(i);
            Event succeeded = new Event.StepSucceeded(
                    companion.effect().activation(),
                    sent.results().get(i + 1),
                    companion.effect().sql(),
                    companion.effect().statement().params(),
                    companion.startedAt(),
                    1,
                    run.context().clock().instant());
            all.add(companion.draft(Interpreter.decide(companion.state(), succeeded)));
        }
        try {
            session.commit(actor.checkpoints().forItems(all));
        } catch (StepFailedException e) {
            boolean isKnown = e.failure().kind() != Failure.Kind.CONNECTION_LOST;
            run.companionsOver(isKnown ? Home.CompanionOutcome.FAILED : Home.CompanionOutcome.UNKNOWN);
            run.end();
            run.context().statistics().checkpointFailed(e.failure().kind());
            if (!isKnown) {
                claim(actor, shared, e.failure());
                return false;
            }
            run.retries().alone(attempt, e.failure());
            return true;
        }
        run.companionsOver(Home.CompanionOutcome.COMMITTED);
        reported(actor, shared);
        committed(actor, shared, draft, drain);
        return true;
    }

    private static CheckpointRequest draft(InstanceActor actor, SharedTransaction shared) {
        return actor.checkpoints().draft(shared.checkpoints(), Map.of(), shared.waiting(actor.state()));
    }

    private boolean commit(InstanceActor actor, StepPort.Session session, SharedTransaction shared, Drain drain) {
        CheckpointRequest draft = draft(actor, shared);
        boolean isCancelled;
        try {
            isCancelled = session.commit(actor.checkpoints().forStep(draft));
        } catch (StepFailedException e) {
            run.end();
            return notCommitted(actor, shared, e.failure());
        }
        reported(actor, shared);
        boolean goesOn = draft.checkpoints().stream().allMatch(one -> one.end() == null);
        if (isCancelled && goesOn && !isKnownUndo(actor)) {
            // What follows must not begin. Why it was cancelled is in the tables.
            run.end();
            actor.readAgain();
        } else {
            if (isCancelled && !goesOn) {
                actor.foundCancelled();
            }
            committed(actor, shared, draft, drain);
        }
        return true;
    }

    /** Whether the step undoes something, of an instance that is known to be cancelled. */
    private boolean isKnownUndo(InstanceActor actor) {
        return actor.phase() == InstanceActor.Phase.CANCELLING
                && actor.mayBegin(attempt.activation().nodeId());
    }

    private void reported(InstanceActor actor, SharedTransaction shared) {
        shared.attempts().forEach(done -> {
            actor.attempts().remove(done.activation(), done);
            run.context()
                    .statistics()
                    .stepEnded(done.report(
                            StepReport.Outcome.COMPLETED,
                            null,
                            run.context().clock().instant()));
        });
        if (LOG.isDebugEnabled()) {
            LOG.debugf("Step of %s completed: %s", attempt, LogText.withoutAddress(attempt.sql()));
        }
    }

    private void committed(InstanceActor actor, SharedTransaction shared, CheckpointRequest draft, Drain drain) {
        Effect.RunSql next = shared.rolledBack() == null && run.mayGoOn() ? shared.next() : null;
        SharedTransaction.RolledBack rolledBack = shared.rolledBack();
        actor.committed(
                draft,
                shared.decisions(),
                rolledBack == null ? next : rolledBack.attempt().effect());
        if (next != null && actor.mayBegin(next.activation().nodeId())) {
            run.goesOnWith(run.executor().attempt(actor, next));
            drain.afterwards(run);
            return;
        }
        run.end();
        if (rolledBack != null
                && actor.mayBegin(rolledBack.attempt().activation().nodeId())) {
            run.retries().rolledBack(rolledBack);
        }
    }

    /** Handles a checkpoint that was refused, or whose commit is uncertain. */
    private boolean notCommitted(InstanceActor actor, SharedTransaction shared, Failure failure) {
        run.context().statistics().checkpointFailed(failure.kind());
        switch (failure.kind()) {
            // A deferred trigger of the user can say what our own functions say: whether the version was taken tells
            // the truth.
            case CONNECTION_LOST, STALE, FENCED -> {
                claim(actor, shared, failure);
                return false;
            }
            case LOCK_TIMEOUT -> run.retries().lockedOut(attempt, failure);
            default -> {
                if (shared.size() > 1) {
                    run.retries().sharedFailed(shared, failure);
                } else {
                    run.retries().checkpointFailed(attempt, failure);
                }
            }
        }
        return true;
    }

    private void claim(InstanceActor actor, SharedTransaction shared, Failure failure) {
        CheckpointRequest draft = actor.checkpoints().claim();
        run.claim(
                actor.checkpoints().forOwner(draft),
                outcome -> actor.answer((self, drain) -> {
                    boolean isCommitted = !(outcome instanceof Journal.Written.Ok);
                    LOG.infof(
                            "Whether a step of %s was committed was unknown (%s); it was %s",
                            attempt, failure.message(), isCommitted ? "committed" : "not committed");
                    if (isCommitted) {
                        self.readAgain();
                    } else {
                        self.checkpoints().claimed(draft);
                        if (shared.size() > 1) {
                            run.retries().sharedFailed(shared, failure);
                        } else {
                            run.retries()
                                    .failed(
                                            attempt,
                                            failure.kind() == Failure.Kind.CONNECTION_LOST
                                                    ? failure
                                                    : asTransient(failure));
                        }
                    }
                    return true;
                }));
    }

    private static Failure asTransient(Failure failure) {
        return new Failure(Failure.Kind.TRANSIENT, failure.sqlState(), failure.message());
    }

    /** For messages. */
    @Override
    public String toString() {
        return "commit of " + attempt;
    }

    static Effect.@Nullable RunSql onlyStep(Decision decision) {
        boolean goesOn = decision.checkpoint().end() == null
                && decision.checkpoint().nextExecution() == null
                && decision.effects().size() == 1;
        return goesOn && decision.effects().get(0) instanceof Effect.RunSql step ? step : null;
    }
}
