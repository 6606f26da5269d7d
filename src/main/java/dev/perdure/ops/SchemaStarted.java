package dev.perdure.ops;

import dev.perdure.fleet.Databases;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Startup;

/** Started once a database was reached and its schema migrated; it stays so when the database goes away. */
@Startup
@Singleton
class SchemaStarted implements HealthCheck {

    private final Databases databases;

    SchemaStarted(Databases databases) {
        this.databases = databases;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("schema")
                .status(databases.all().stream().anyMatch(one -> one.status().wasReady()))
                .build();
    }
}
