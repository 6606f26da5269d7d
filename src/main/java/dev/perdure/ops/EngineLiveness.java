package dev.perdure.ops;

import dev.perdure.engine.EngineStatistics;
import dev.perdure.engine.WorkerEngine;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Fails only when the loop of a leading worker does not turn any more. */
@Liveness
@ApplicationScoped
public class EngineLiveness implements HealthCheck {

    private final WorkerEngine engine;
    private final EngineStatistics statistics;

    EngineLiveness(WorkerEngine engine, EngineStatistics statistics) {
        this.engine = engine;
        this.statistics = statistics;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("engine")
                .status(engine.isAlive())
                .withData("instances", statistics.liveInstances())
                .withData("steps queued", statistics.queuedSteps())
                .withData("steps running", statistics.sessionsInUse())
                .build();
    }
}
