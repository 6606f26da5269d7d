package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.engine.actor.Drain;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Lane;
import dev.perdure.engine.actor.Message;
import dev.perdure.flow.result.Result;
import dev.perdure.session.StepFailedException;
import dev.perdure.step.StepPort;
import java.util.List;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Executes a step in a database other than the one that holds schema df. Its effect and its checkpoint are two commits. The effect is
 * committed with a receipt, and a step with a receipt is not executed again when its checkpoint was lost (ADR 26). Where the role can have
 * no receipts the step happens at least once.
 */
final class OtherDatabaseStep {

    private static final Logger LOG = Logger.getLogger(OtherDatabaseStep.class);

    private final SessionRun run;
    private final SqlAttempt attempt;
    private final StepPort.Execution execution;

    OtherDatabaseStep(SessionRun run, SqlAttempt attempt) {
        this.run = run;
        this.attempt = attempt;
        this.execution = new StepPort.Execution(
                attempt.actor().id(),
                attempt.activation().nodeId(),
                attempt.activation().stamp());
    }

    /** Runs the statement, outside of the mailbox; the commit follows within. */
    void run(StepPort.Session session) {
        StepPort.Proof proof;
        try {
            proof = session.proof(execution, run.limits());
        } catch (StepFailedException e) {
            run.failed(e.failure());
            return;
        }
        if (proof.earlier() != null) {
            LOG.infof("Step of %s has happened already: there is a receipt in its database", attempt);
            run.end();
            happened(proof.earlier(), proof.atLeastOnce());
            return;
        }
        StepPort.Executed executed = session.begin(List.of(attempt.statement()), run.limits());
        if (executed.failure() != null) {
            run.failed(executed.failure());
            return;
        }
        attempt.actor().post(new Committing(executed.results().get(0), proof.atLeastOnce()), Lane.SESSIONS);
    }

    /** The message that commits the step, unless its activation was interrupted. */
    private final class Committing implements Message {

        private final Result result;
        private final @Nullable String atLeastOnce;

        Committing(Result result, @Nullable String atLeastOnce) {
            this.result = result;
            this.atLeastOnce = atLeastOnce;
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
            boolean isFirst;
            try {
                isFirst = run.current().commitElsewhere(execution, result);
            } catch (StepFailedException e) {
                // After a connection that was lost around COMMIT the next attempt begins with the receipt.
                run.end();
                run.retries().failed(attempt, e.failure());
                return true;
            }
            run.end();
            if (isFirst) {
                happened(result, atLeastOnce);
            } else {
                run.retries()
                        .failed(
                                attempt,
                                new Failure(
                                        Failure.Kind.TRANSIENT,
                                        null,
                                        "an earlier attempt, believed lost, had committed"));
            }
            return true;
        }
    }

    /** Lets the owner write the checkpoint of a committed effect, after which the receipt has served. */
    private void happened(Result result, @Nullable String atLeastOnce) {
        run.retries().succeededByItself(attempt, result, atLeastOnce == null ? "" : atLeastOnce);
        attempt.actor().post(new Served());
    }

    /** Applies the decision. Memory advances with the commit: an activation that is still active has not been written. */
    private final class Served implements Message {

        @Override
        public boolean handle(InstanceActor actor, Drain drain) {
            if (!actor.state().isActive(attempt.activation())) {
                settled();
            }
            return true;
        }

        @Override
        public void dropped() {
            if (attempt.actor().phase() == InstanceActor.Phase.ENDED) {
                settled();
            }
        }

        private void settled() {
            run.context().port().settled(attempt.actor().sessions(), execution);
        }
    }
}
