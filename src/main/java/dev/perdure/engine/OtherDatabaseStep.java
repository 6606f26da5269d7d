package dev.perdure.engine;

import dev.perdure.database.Failure;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Event;
import dev.perdure.flow.Result;
import dev.perdure.session.Receipt;
import dev.perdure.session.ReceiptTable;
import dev.perdure.session.Receipts;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.StepSession;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Executes a step in another database than the one that holds schema df. Its effect and its checkpoint are two commits:
 * the effect's has a receipt, which is looked for before the statement is executed, so that a step whose checkpoint was
 * lost is not done again (ADR 26). Where the role can have no receipts the step happens at least once.
 */
final class OtherDatabaseStep {

    private static final Logger LOG = Logger.getLogger(OtherDatabaseStep.class);
    /** The table of receipts, or its schema, was dropped. */
    private static final Set<String> TABLE_GONE = Set.of("42P01", "3F000");

    private final TermContext context;
    private final Turns turns;
    private final StepTroubles troubles;

    OtherDatabaseStep(TermContext context, Turns turns, StepTroubles troubles) {
        this.context = context;
        this.turns = turns;
        this.troubles = troubles;
    }

    /** Runs in the step's thread; the commit follows in a turn of the instance. */
    void run(StepTask task, StepSession session) throws StepFailedException {
        LiveInstance instance = task.instance();
        ReceiptTable table = receipts().table(instance.sessions(), instance.role(), session);
        Receipt receipt = receipts()
                .receipt(
                        instance.id(),
                        task.activation().nodeId(),
                        task.activation().stamp());
        Result earlier = find(task, session, table, receipt);
        if (earlier != null) {
            giveBack(task, session);
            LOG.infof("Step of %s has happened already: there is a receipt in its database", task);
            instance.post(() -> happened(task, table, receipt, earlier));
            return;
        }
        Result result = context.sqlStep().execute(session, task.effect().sql());
        instance.post(() -> commit(task, session, table, receipt, result));
    }

    private @Nullable Result find(StepTask task, StepSession session, ReceiptTable table, Receipt receipt)
            throws StepFailedException {
        try {
            return table.find(session, receipt);
        } catch (StepFailedException e) {
            if (!TABLE_GONE.contains(String.valueOf(e.failure().sqlState()))) {
                throw e;
            }
            receipts().forget(task.instance().sessions());
            throw new StepFailedException(
                    new Failure(
                            Failure.Kind.TRANSIENT,
                            e.failure().sqlState(),
                            e.failure().message()),
                    e);
        }
    }

    /** The turn of a step whose transaction is open. An activation that has been interrupted must not commit. */
    private boolean commit(StepTask task, StepSession session, ReceiptTable table, Receipt receipt, Result result) {
        LiveInstance instance = task.instance();
        if (instance.isGone() || task.isInterrupted() || !instance.state().isActive(task.activation())) {
            session.rollback();
            giveBack(task, session);
            return true;
        }
        try {
            boolean first = table.commit(session, receipt, result);
            giveBack(task, session);
            if (first) {
                return happened(task, table, receipt, result);
            }
            troubles.failed(
                    task,
                    new Failure(Failure.Kind.TRANSIENT, null, "an earlier attempt, believed lost, had committed"));
        } catch (StepFailedException e) {
            giveBack(task, session);
            // After a connection lost around COMMIT the next attempt begins with the receipt.
            troubles.failed(task, e.failure());
        } catch (RuntimeException | Error e) {
            giveBack(task, session);
            throw e;
        }
        return true;
    }

    /** The turn of a step whose effect is committed: the owner writes the checkpoint. */
    private boolean happened(StepTask task, ReceiptTable table, Receipt receipt, Result result) {
        LiveInstance instance = task.instance();
        Activation activation = task.activation();
        instance.steps().remove(activation, task);
        turns.completed(task);
        // Runs after the decision's commit. Memory advances only then: what is still active has not been written.
        instance.post(() -> {
            if (!instance.state().isActive(activation)) {
                receipts().settled(instance.sessions(), receipt);
            }
            return true;
        });
        String atLeastOnce = table.atLeastOnce();
        Event succeeded = new Event.StepSucceeded(
                activation,
                result,
                task.effect().sql(),
                Objects.requireNonNull(task.startedAt(), "a step that runs has a beginning"),
                task.attempt(),
                turns.now());
        return turns.decide(
                instance, succeeded, atLeastOnce == null ? Map.of() : Map.of(activation.nodeId(), atLeastOnce));
    }

    private Receipts receipts() {
        return context.pools().receipts();
    }

    private void giveBack(StepTask task, StepSession session) {
        SessionPools.Key key = task.instance().sessions();
        task.leavesSession();
        session.deallocate();
        context.pools().giveBack(key, session);
        context.queue().release(task);
    }
}
