package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.flow.Effect;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.graph.Node;
import dev.perdure.graph.SqlNode;
import dev.perdure.session.StepFailedException;
import dev.perdure.step.SqlStep;
import dev.perdure.step.StepPort;
import java.time.Duration;
import java.util.Set;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Runs steps that follow one another in one transaction, where people allow it (ADR 12). Effects and checkpoints stay atomic: all of
 * them are committed together, or none. How many share it is decided here: until it is so old, or a step takes so long.
 */
final class TransactionSharing {

    private static final Logger LOG = Logger.getLogger(TransactionSharing.class);
    private static final int MOST = 16;
    /** No step joins a transaction that is older than this many times the limit. */
    private static final int OLDEST = 5;
    /** A statement that joined is given up after this many times the limit, and runs alone. */
    private static final int CUT_OFF = 10;
    // What only the neighbour can have caused: the step is run again in a transaction of its own.
    private static final Set<String> NEIGHBOUR = Set.of("25006", "42P05", "42P07", "55006");

    private final SqlContext context;
    private final LongStatements longOnes = new LongStatements();
    private final Duration limit;

    TransactionSharing(SqlContext context) {
        this.context = context;
        this.limit = context.settings().shareBelow();
    }

    /**
     * Runs what follows in the same transaction, for as long as it may.
     *
     * @return why the transaction is gone, and with it everything that was done in it; null when it is open
     */
    @Nullable StepFailedException extend(SharedTransaction shared, SessionRun run, StepPort.Session session) {
        SqlAttempt first = shared.first();
        if (limit.isZero()
                || first.manner().isAlone()
                || !session.isReadCommitted()
                || !SqlStep.canShareTransaction(first.sql())) {
            return null;
        }
        InstanceActor actor = run.actor();
        while (shared.size() < MOST && age(first) < OLDEST * limit.toNanos()) {
            Effect.RunSql next = shared.next();
            if (next == null || !first.isWanted() || run.executor().isClosed() || !mayShare(actor, next)) {
                return null;
            }
            InstanceState ahead = shared.ahead(actor.state());
            if (ahead.activeSteps() != 1
                    || ahead.earliestWake() != null
                    || !ahead.signalWaits().isEmpty()) {
                return null;
            }
            SqlAttempt attempt = new SqlAttempt(
                    actor, next, SqlAttempt.first(next), context.nanos().getAsLong());
            attempt.begins(context.clock().instant(), context.nanos().getAsLong());
            StepPort.Executed executed = session.next(next.sql(), joining(run));
            if (executed.failure() != null) {
                return undo(shared, session, attempt, executed.failure());
            }
            try {
                shared.add(
                        attempt,
                        Interpreter.decide(
                                ahead,
                                Finished.succeeded(attempt, executed.results().get(0), run)));
            } catch (RuntimeException | StackOverflowError e) {
                // Found again when it runs alone, and handled there.
                LogFields.with(
                        actor.id(),
                        attempt.activation().nodeId(),
                        () -> LOG.debugf(e, "%s: the decision failed", attempt));
                return undo(shared, session, attempt, new Failure(Failure.Kind.TRANSIENT, null, e.toString()));
            }
        }
        return null;
    }

    private long age(SqlAttempt first) {
        return context.nanos().getAsLong() - first.begunAt();
    }

    private StepPort.Limits joining(SessionRun run) {
        return run.limits(limit.multipliedBy(CUT_OFF));
    }

    private @Nullable StepFailedException undo(
            SharedTransaction shared, StepPort.Session session, SqlAttempt attempt, Failure failure) {
        boolean isCutOff = failure.kind() == Failure.Kind.CANCELED || failure.kind() == Failure.Kind.LOCK_TIMEOUT;
        if (isCutOff) {
            longOnes.remember(attempt.actor().role(), template(attempt.actor(), attempt.effect()));
        }
        if (!session.undoLast()) {
            return new StepFailedException(failure);
        }
        LogFields.with(
                attempt.actor().id(),
                attempt.activation().nodeId(),
                () -> LOG.debugf(
                        "%s does not share the transaction of %s: %s", attempt, shared.first(), failure.message()));
        boolean ownFault =
                failure.kind() == Failure.Kind.STEP && !NEIGHBOUR.contains(String.valueOf(failure.sqlState()));
        shared.undone(attempt, ownFault ? failure : null);
        return null;
    }

    private boolean mayShare(InstanceActor actor, Effect.RunSql next) {
        String template = template(actor, next);
        return template != null
                && !longOnes.contains(actor.role(), template)
                && SqlStep.canShareTransaction(next.sql());
    }

    private static @Nullable String template(InstanceActor actor, Effect.RunSql effect) {
        Node node = actor.state().graph().node(effect.activation().nodeId());
        return node instanceof SqlNode sql ? sql.sql() : null;
    }
}
