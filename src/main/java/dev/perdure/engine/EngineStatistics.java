package dev.perdure.engine;

import dev.perdure.step.http.HttpStatistics;
import dev.perdure.store.SessionPools;
import jakarta.inject.Singleton;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counters and gauges of the engine, for health and metrics. Thread-safe. */
@Singleton
public class EngineStatistics {

    private record Watched(LiveInstances live, StepQueue queue, SessionPools pools, Requests requests) {}

    private final LongAdder stepsCompleted = new LongAdder();
    private final LongAdder stepsFailed = new LongAdder();
    private final LongAdder stepsRetried = new LongAdder();
    private final LongAdder instancesEnded = new LongAdder();
    private final HttpStatistics http = new HttpStatistics();
    private volatile @Nullable Watched watched;

    void watch(LiveInstances live, StepQueue queue, SessionPools pools, Requests requests) {
        watched = new Watched(live, queue, pools, requests);
    }

    void forget() {
        watched = null;
    }

    void stepCompleted() {
        stepsCompleted.increment();
    }

    void stepFailed() {
        stepsFailed.increment();
    }

    void stepRetried() {
        stepsRetried.increment();
    }

    void instanceEnded() {
        instancesEnded.increment();
    }

    public long stepsCompleted() {
        return stepsCompleted.sum();
    }

    public long stepsFailed() {
        return stepsFailed.sum();
    }

    public long stepsRetried() {
        return stepsRetried.sum();
    }

    public long instancesEnded() {
        return instancesEnded.sum();
    }

    /** HTTP requests by how they ended. */
    public HttpStatistics http() {
        return http;
    }

    /** HTTP requests that wait for others of their role, or of all roles, to end. */
    public int queuedRequests() {
        Watched now = watched;
        return now == null ? 0 : now.requests().queued();
    }

    /** Instances in memory; 0 when this worker does not lead. */
    public int liveInstances() {
        Watched now = watched;
        return now == null ? 0 : now.live().size();
    }

    /** Steps that wait for a session. */
    public int queuedSteps() {
        Watched now = watched;
        return now == null ? 0 : now.queue().queued();
    }

    /** Sessions of submitters in use. */
    public int sessionsInUse() {
        Watched now = watched;
        return now == null ? 0 : now.queue().inUse();
    }

    /** Sessions of submitters that are open and idle. */
    public int sessionsIdle() {
        Watched now = watched;
        return now == null ? 0 : now.pools().idleCount();
    }
}
