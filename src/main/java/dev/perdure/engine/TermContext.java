package dev.perdure.engine;

import dev.perdure.flow.Interpreter;
import dev.perdure.step.SqlStep;
import dev.perdure.store.InstanceStore;
import dev.perdure.store.SessionPools;
import java.time.Clock;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;

/** What the parts of one term's engine share. */
record TermContext(
        InstanceStore store,
        SessionPools pools,
        LiveInstances live,
        StepQueue queue,
        CheckpointWriter writer,
        Interpreter interpreter,
        SqlStep sqlStep,
        ExecutorService deciders,
        ScheduledExecutorService scheduler,
        Clock clock,
        EngineSettings settings,
        EngineStatistics statistics,
        Runnable stepDown) {}
