package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.flow.Effect;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.rule.KnownSteps;
import dev.perdure.flow.rule.Rules;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.StepFailedException;
import dev.perdure.step.SqlStep;
import dev.perdure.step.StepPort;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Runs consecutive steps in one transaction, where the settings allow it (ADR 91). Effects and checkpoints stay atomic: all of them are
 * committed together, or none. Steps join until the transaction is too old, or a step takes too long.
 */
final class TransactionSharing {

    private static final Logger LOG = Logger.getLogger(TransactionSharing.class);
    private static final int MOST = 16;
    private static final int MOST_SENT_ALONG = 7;
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

    /** The statements that are sent together: the step's own, and those that are known to follow it and may share its transaction. */
    List<Statement> statements(SqlAttempt first, StepPort.Session session) {
        List<Statement> statements = new ArrayList<>(List.of(first.statement()));
        if (mayBeShared(first, session)) {
            for (String next :
                    KnownSteps.after(first.actor().graph(), first.activation().nodeId(), MOST_SENT_ALONG)) {
                if (longOnes.contains(first.actor().role(), next) || !SqlStep.canShareTransaction(next)) {
                    break;
                }
                statements.add(Statement.of(next));
            }
        }
        return statements;
    }

    /** The limits of statements that are sent together. */
    StepPort.Limits limits(SessionRun run) {
        return run.limits(limit.isZero() ? null : limit.multipliedBy(CUT_OFF));
    }

    boolean mayBeShared(SqlAttempt first, StepPort.Session session) {
        return !limit.isZero()
                && !first.manner().isAlone()
                && !first.statement().isReadOnly()
                && session.isReadCommitted()
                && SqlStep.canShareTransaction(first.sql());
    }

    /**
     * Takes in the results of statements that were sent along, and runs the next ones in the same transaction for as long as it may.
     *
     * @param sent the outcome of the statements that were sent together
     * @return why the transaction is gone, with everything that was done in it; null when it is open
     */
    @Nullable StepFailedException extend(
            SharedTransaction shared, StepPort.Executed sent, List<Statement> statements, SessionRun run) {
        StepPort.Session session = run.current();
        SqlAttempt first = shared.first();
        int along = 1;
        while (along < statements.size() || mayGoOn(shared, session, run)) {
            boolean isAlong = along < statements.size();
            Effect.RunSql next = shared.next();
            if (isAlong && (next == null || !next.statement().equals(statements.get(along)))) {
                // What was sent along is not what follows.
                return new StepFailedException(
                        new Failure(Failure.Kind.TRANSIENT, null, "another step follows than was thought"));
            }
            if (next == null || !isAlong && !mayShare(run.actor(), next)) {
                return null;
            }
            InstanceState ahead = shared.ahead(run.actor().state());
            boolean runsAlone = ahead.activeSteps() == 1
                    && ahead.waiting().until() == null
                    && ahead.signalWaits().isEmpty();
            if (!isAlong && !runsAlone) {
                return null;
            }
            SqlAttempt attempt = new SqlAttempt(
                    run.actor(),
                    next,
                    SqlAttempt.Manner.of(next),
                    context.nanos().getAsLong());
            attempt.begins(Objects.requireNonNull(first.startedAt()), first.begunAt());
            Result result;
            if (!isAlong) {
                attempt.begins(context.clock().instant(), context.nanos().getAsLong());
                StepPort.Executed executed = session.next(next.statement(), limits(run));
                if (executed.failure() != null) {
                    return rollBackLast(shared, session, attempt, executed.failure());
                }
                result = executed.results().get(0);
            } else if (along < sent.results().size()) {
                result = sent.results().get(along++);
            } else {
                return rollBackLast(shared, session, attempt, Objects.requireNonNull(sent.failure()));
            }
            try {
                shared.add(attempt, Interpreter.decide(ahead, StepCommit.succeeded(attempt, result, run)));
            } catch (RuntimeException | StackOverflowError e) {
                // Found again when it runs alone, and handled there.
                LogFields.with(
                        run.actor().id(),
                        attempt.activation().nodeId(),
                        () -> LOG.debugf(e, "%s: the decision failed", attempt));
                Failure failure = new Failure(Failure.Kind.TRANSIENT, null, e.toString());
                return isAlong ? new StepFailedException(failure) : rollBackLast(shared, session, attempt, failure);
            }
        }
        return null;
    }

    private boolean mayGoOn(SharedTransaction shared, StepPort.Session session, SessionRun run) {
        SqlAttempt first = shared.first();
        return mayBeShared(first, session)
                && shared.size() < MOST
                && age(first) < OLDEST * limit.toNanos()
                && first.isWanted()
                && !run.executor().isClosed();
    }

    private long age(SqlAttempt first) {
        return context.nanos().getAsLong() - first.begunAt();
    }

    private @Nullable StepFailedException rollBackLast(
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
        shared.rolledBack(attempt, ownFault ? failure : null);
        return null;
    }

    private boolean mayShare(InstanceActor actor, Effect.RunSql next) {
        String template = template(actor, next);
        return template != null
                && next.itemsOf() == null
                // What undoes it has to be registered before it begins.
                && !actor.graph().isRegisteredBefore(next.activation().nodeId())
                && !longOnes.contains(actor.role(), template)
                && SqlStep.canShareTransaction(next.sql());
    }

    private static @Nullable String template(InstanceActor actor, Effect.RunSql effect) {
        return Rules.of(actor.state().graph().node(effect.activation().nodeId()))
                .statement();
    }
}
