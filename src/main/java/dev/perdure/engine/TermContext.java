package dev.perdure.engine;

import dev.perdure.session.SessionPools;
import dev.perdure.step.SqlStep;
import dev.perdure.store.InstanceStore;
import java.time.Clock;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;

/**
 * What the parts of one term's engine share.
 *
 * @param executing steps whose statement may be under way
 */
record TermContext(
        InstanceStore store,
        SessionPools pools,
        LiveInstances live,
        StepQueue queue,
        Set<StepTask> executing,
        CheckpointWriter writer,
        SqlStep sqlStep,
        ExecutorService deciders,
        ScheduledExecutorService scheduler,
        Clock clock,
        EngineSettings settings,
        EngineStatistics statistics,
        Runnable stepDown) {}
