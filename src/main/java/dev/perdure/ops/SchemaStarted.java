package dev.perdure.ops;

import dev.perdure.database.DatabaseStatus;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Startup;

/** Started once the database was reached and its schema migrated; it stays so when the database goes away. */
@Startup
@Singleton
class SchemaStarted implements HealthCheck {

    private final DatabaseStatus status;

    SchemaStarted(DatabaseStatus status) {
        this.status = status;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("schema").status(status.wasReady()).build();
    }
}
