package dev.perdure.ops;

import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** UP on the leader and on a healthy standby alike; with several databases, of one of them. */
@Readiness
@ApplicationScoped
public class ElectionReadiness implements HealthCheck {

    private final Databases databases;

    ElectionReadiness(Databases databases) {
        this.databases = databases;
    }

    @Override
    public HealthCheckResponse call() {
        return Elections.add(
                        databases,
                        true,
                        HealthCheckResponse.named("election")
                                .status(databases.all().stream().anyMatch(ServedDatabase::isStoodFor)))
                .build();
    }
}
