package dev.perdure.engine.telemetry;

import dev.perdure.flow.Checkpoint;
import java.time.Instant;

/** An observer of ended steps and instances, for metrics and traces. Called on the engine's threads: must not block. */
public interface EngineObserver {

    /** An attempt at a step has ended. */
    default void stepEnded(StepReport report) {}

    /**
     * An instance has ended, by a decision of this worker.
     *
     * @param end how
     */
    default void instanceEnded(InstanceOrigin instance, Checkpoint.InstanceEnd end, Instant at) {}
}
