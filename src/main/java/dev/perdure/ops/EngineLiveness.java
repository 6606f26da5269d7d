package dev.perdure.ops;

import dev.perdure.engine.EngineLifecycle;
import dev.perdure.engine.telemetry.EngineStatistics;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Fails only when this worker does not stand for election any more, or its loop does not turn while it leads. */
@Liveness
@ApplicationScoped
public class EngineLiveness implements HealthCheck {

    private final EngineLifecycle engine;
    private final EngineStatistics statistics;

    EngineLiveness(EngineLifecycle engine, EngineStatistics statistics) {
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
