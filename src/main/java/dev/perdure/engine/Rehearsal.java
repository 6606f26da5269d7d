package dev.perdure.engine;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.flow.Result;
import dev.perdure.graph.GraphReader;
import dev.perdure.graph.NodeRow;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.StepSession;
import dev.perdure.step.SqlStep;
import dev.perdure.store.CheckpointCall;
import dev.perdure.store.InstanceStore;
import dev.perdure.store.RunningInstance;
import dev.perdure.store.Term;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;

/**
 * What a standby does once while it has time: it goes through a small workflow in memory, through the reads of a take-over
 * and through a step without a checkpoint, so that classes are loaded and code is warm when the leader is gone. It writes
 * nothing and runs no step of anybody.
 */
final class Rehearsal implements Runnable {

    private static final Logger LOG = Logger.getLogger(Rehearsal.class);
    private static final int ROUNDS = 20;
    private static final String ID = "00000000";

    private final InstanceStore store;
    private final Term term;
    private final SqlStep sqlStep;
    private final DatabaseUrl database;
    private final EngineStatistics statistics;

    /**
     * A rehearsal.
     *
     * @param store of a term that never was; closed at the end
     * @param database the worker's own
     */
    Rehearsal(InstanceStore store, SqlStep sqlStep, DatabaseUrl database, EngineStatistics statistics) {
        this.statistics = statistics;
        this.database = database;
        this.store = store;
        this.term = store.term();
        this.sqlStep = sqlStep;
    }

    @Override
    public void run() {
        try (StepSession session = StepSession.ofWorker(database)) {
            for (int i = 0; i < ROUNDS; i++) {
                workflow();
                step(session);
                await(store.runningAfter(RunningInstance.LAST, 1));
                await(store.load(List.of(ID)));
                await(store.dueBetween(Instant.EPOCH, Instant.EPOCH));
            }
            statistics.rehearsed();
        } catch (ExecutionException | TimeoutException | SQLException | StepFailedException | RuntimeException e) {
            LOG.debug("The rehearsal was broken off, a take-over may be a moment slower", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            store.close();
        }
    }

    private void step(StepSession session) throws StepFailedException {
        sqlStep.execute(session, "SELECT 1 AS n");
        session.rollback();
        if (!session.reset()) {
            throw new IllegalStateException("a session could not be reset");
        }
    }

    /** A step and a sleep, from the rows to the call that a step's session would send. */
    private void workflow() {
        List<NodeRow> rows = List.of(
                new NodeRow("00000001", "THEN", null, null, "00000002", "00000003"),
                new NodeRow("00000002", "SQL", "SELECT 1", "n", null, null),
                new NodeRow("00000003", "SQL", "SELECT $n", null, null, null));
        Instant now = Instant.EPOCH;
        InstanceState state =
                InstanceState.load(ID, null, Map.of("a", "b"), GraphReader.read(ID, "00000001", rows), Map.of());
        Event next = new Event.Loaded(now);
        while (!state.hasEnded()) {
            Decision decision = Interpreter.decide(state, next);
            state.apply(decision);
            if (next instanceof Event.StepSucceeded step) {
                CheckpointCall.of(term, ID, step.activation().nodeId(), decision.checkpoint());
            }
            for (Effect effect : decision.effects()) {
                if (effect instanceof Effect.RunSql run && sqlStep.refuse(run.sql()) == null) {
                    Result result = new Result("{\"rows\":[{\"n\":1}],\"row_count\":1}", "[[\"n\",\"int4\"]]");
                    next = new Event.StepSucceeded(run.activation(), result, run.sql(), now, 1, now);
                }
            }
        }
    }

    private static <T> T await(Future<T> answer) throws InterruptedException, ExecutionException, TimeoutException {
        return answer.toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }
}
