package dev.perdure.ops;

import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.function.ToIntFunction;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Liveness;

/**
 * Fails only when this worker does not stand for the election of a database any more, or the loop of one does not turn while it leads:
 * an error of its own, for which a restart is the remedy. No database can cause it by what it does or does not answer.
 */
@Liveness
@ApplicationScoped
public class EngineLiveness implements HealthCheck {

    private final Databases databases;

    EngineLiveness(Databases databases) {
        this.databases = databases;
    }

    @Override
    public HealthCheckResponse call() {
        HealthCheckResponseBuilder response = HealthCheckResponse.named("engine")
                .status(databases.all().stream().allMatch(one -> one.engine().isAlive()))
                .withData("instances", sum(EngineStatistics::liveInstances))
                .withData("steps queued", sum(EngineStatistics::queuedSteps))
                .withData("steps running", sum(EngineStatistics::sessionsInUse));
        databases.all().stream()
                .filter(one -> databases.areSeveral() && !one.engine().isAlive())
                .forEach(one -> response.withData(one.name(), "stuck"));
        return response.build();
    }

    private int sum(ToIntFunction<EngineStatistics> gauge) {
        return databases.all().stream()
                .map(ServedDatabase::statistics)
                .mapToInt(gauge)
                .sum();
    }
}
