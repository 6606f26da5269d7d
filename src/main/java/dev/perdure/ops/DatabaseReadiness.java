package dev.perdure.ops;

import dev.perdure.database.DatabaseStatus;
import dev.perdure.database.DatabaseStatus.State;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import jakarta.inject.Singleton;
import java.util.Locale;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/** Ready while a database answers and its schema is migrated: of several, one is enough, since the broken ones must not disturb it. */
@Readiness
@Singleton
class DatabaseReadiness implements HealthCheck {

    private final Databases databases;

    DatabaseReadiness(Databases databases) {
        this.databases = databases;
    }

    @Override
    public HealthCheckResponse call() {
        HealthCheckResponseBuilder response = HealthCheckResponse.named("database")
                .status(databases.all().stream()
                        .anyMatch(one -> one.status().current().state() == State.READY));
        for (ServedDatabase one : databases.all()) {
            DatabaseStatus.Current current = one.status().current();
            String state = current.state().name().toLowerCase(Locale.ROOT);
            String detail = one.status().forAnybody(current.detail());
            if (databases.areSeveral()) {
                response.withData(one.name(), state + ": " + detail);
            } else {
                response.withData("state", state).withData("detail", detail);
            }
        }
        return response.build();
    }
}
