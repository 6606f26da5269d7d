package dev.perdure.ops;

import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import io.smallrye.health.api.HealthGroup;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;

/** UP on a worker that leads, with several databases: any of them. For a Service that has to reach the worker that executes. */
@HealthGroup("leader")
@ApplicationScoped
public class LeaderHealth implements HealthCheck {

    private final Databases databases;

    LeaderHealth(Databases databases) {
        this.databases = databases;
    }

    @Override
    public HealthCheckResponse call() {
        return Elections.add(
                        databases,
                        false,
                        HealthCheckResponse.named("leader")
                                .status(databases.all().stream().anyMatch(ServedDatabase::isLed)))
                .build();
    }
}
