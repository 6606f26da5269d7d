package dev.perdure.engine.telemetry;

import dev.perdure.database.Failure;
import dev.perdure.flow.Checkpoint.InstanceEnd;
import dev.perdure.step.http.HttpStatistics;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Counters and gauges of the engine, for health and metrics, since the process began. Thread-safe. */
public class EngineStatistics implements Telemetry {

    private static final Logger LOG = Logger.getLogger(EngineStatistics.class);

    /** The gauges of a term, readable at any time. */
    public record Gauges(
            IntSupplier liveInstances,
            IntSupplier waitingInstances,
            IntSupplier queuedSteps,
            IntSupplier sessionsInUse,
            IntSupplier sessionsIdle,
            IntSupplier queuedRequests,
            LongSupplier memoryBytes,
            IntSupplier openMaps,
            LongSupplier openItems) {}

    private final Map<StepReport.Outcome, LongAdder> steps = adders(StepReport.Outcome.class);
    private final Map<InstanceEnd.Status, LongAdder> instancesEnded = adders(InstanceEnd.Status.class);
    private final Map<Failure.Kind, LongAdder> checkpointFailures = adders(Failure.Kind.class);
    private final LongAdder instancesStarted = new LongAdder();
    private final LongAdder instancesTakenOver = new LongAdder();
    private final LongAdder terms = new LongAdder();
    private final LongAdder loginFailures = new LongAdder();
    private final LongAdder itemsCompleted = new LongAdder();
    private final LongAdder itemsFailed = new LongAdder();
    private final LongAdder undosDone = new LongAdder();
    private final LongAdder undosGivenUp = new LongAdder();
    private final List<EngineObserver> observers = new CopyOnWriteArrayList<>();
    private final HttpStatistics http = new HttpStatistics();
    private volatile @Nullable Gauges watched;

    /** From now on the observer is told of ends. */
    public void observe(EngineObserver observer) {
        observers.add(observer);
    }

    /** A term has begun. */
    public void watch(Gauges gauges) {
        terms.increment();
        watched = gauges;
    }

    /** The term is over. */
    public void forget() {
        watched = null;
    }

    public void stepEnded(StepReport report) {
        counter(steps, report.outcome()).increment();
        for (EngineObserver observer : observers) {
            try {
                observer.stepEnded(report);
            } catch (RuntimeException e) {
                LOG.errorf(
                        e,
                        "What watches the engine failed on a step of instance %s",
                        report.instance().id());
            }
        }
    }

    public void instanceEnded(InstanceOrigin instance, InstanceEnd end, Instant at) {
        counter(instancesEnded, end.status()).increment();
        for (EngineObserver observer : observers) {
            try {
                observer.instanceEnded(instance, end, at);
            } catch (RuntimeException e) {
                LOG.errorf(e, "What watches the engine failed on the end of instance %s", instance.id());
            }
        }
    }

    public void checkpointFailed(Failure.Kind kind) {
        counter(checkpointFailures, kind).increment();
    }

    public void instancesStarted(int count) {
        instancesStarted.add(count);
    }

    public void instancesTakenOver(int count) {
        instancesTakenOver.add(count);
    }

    public void loginFailed() {
        loginFailures.increment();
    }

    /** Items of a map ended. */
    public void itemsEnded(long count, boolean well) {
        (well ? itemsCompleted : itemsFailed).add(count);
    }

    /** Items of maps that ended: completed, failed or cancelled. */
    public long itemsEnded(boolean well) {
        return (well ? itemsCompleted : itemsFailed).sum();
    }

    @Override
    public void undosEnded(long count, boolean well) {
        (well ? undosDone : undosGivenUp).add(count);
    }

    /** Undos of sagas that were done, or given up. */
    public long undosEnded(boolean well) {
        return (well ? undosDone : undosGivenUp).sum();
    }

    /** Attempts at steps that ended in this way. */
    public long steps(StepReport.Outcome outcome) {
        return counter(steps, outcome).sum();
    }

    public long stepsFailed() {
        return steps(StepReport.Outcome.FAILED);
    }

    /** Instances that this worker ended in this way. */
    public long instancesEnded(InstanceEnd.Status status) {
        return counter(instancesEnded, status).sum();
    }

    /** Checkpoints that could not be written at the first try, by cause. */
    public long checkpointFailures(Failure.Kind kind) {
        return counter(checkpointFailures, kind).sum();
    }

    /** Instances that were pending and were taken up. */
    public long instancesStarted() {
        return instancesStarted.sum();
    }

    /** Running instances of an earlier term that were taken over. */
    public long instancesTakenOver() {
        return instancesTakenOver.sum();
    }

    /** Terms of leadership that this process began. */
    public long terms() {
        return terms.sum();
    }

    /** The number of times that a submitter's session could not be had. */
    public long loginFailures() {
        return loginFailures.sum();
    }

    /** HTTP requests by how they ended. */
    public HttpStatistics http() {
        return http;
    }

    /** HTTP requests that wait for others of their role, or of all roles, to end. */
    public int queuedRequests() {
        return whileLeading(Gauges::queuedRequests);
    }

    /** Instances in memory; 0 when this worker does not lead. */
    public int liveInstances() {
        return whileLeading(Gauges::liveInstances);
    }

    /** Instances that wait to be read into memory. */
    public int waitingInstances() {
        return whileLeading(Gauges::waitingInstances);
    }

    /** Bytes that instances hold in memory, as far as they are counted. */
    public long memoryBytes() {
        Gauges now = watched;
        return now == null ? 0 : now.memoryBytes().getAsLong();
    }

    /** Maps that are worked on; 0 when this worker does not lead. */
    public int openMaps() {
        return whileLeading(Gauges::openMaps);
    }

    /** Items of those maps that have not ended. */
    public long openItems() {
        Gauges now = watched;
        return now == null ? 0 : now.openItems().getAsLong();
    }

    /** Steps that wait for a session. */
    public int queuedSteps() {
        return whileLeading(Gauges::queuedSteps);
    }

    /** Sessions of submitters in use. */
    public int sessionsInUse() {
        return whileLeading(Gauges::sessionsInUse);
    }

    /** Sessions of submitters that are open and idle. */
    public int sessionsIdle() {
        return whileLeading(Gauges::sessionsIdle);
    }

    private int whileLeading(Function<Gauges, IntSupplier> gauge) {
        Gauges now = watched;
        return now == null ? 0 : gauge.apply(now).getAsInt();
    }

    private static <E extends Enum<E>> Map<E, LongAdder> adders(Class<E> kinds) {
        Map<E, LongAdder> adders = new EnumMap<>(kinds);
        for (E kind : kinds.getEnumConstants()) {
            adders.put(kind, new LongAdder());
        }
        return adders;
    }

    private static <E extends Enum<E>> LongAdder counter(Map<E, LongAdder> adders, E kind) {
        return java.util.Objects.requireNonNull(adders.get(kind));
    }
}
