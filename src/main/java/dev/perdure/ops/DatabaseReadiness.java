package dev.perdure.ops;

import dev.perdure.database.DatabaseStatus;
import dev.perdure.database.DatabaseStatus.State;
import jakarta.inject.Singleton;
import java.util.Locale;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready while the database answers and its schema is migrated. */
@Readiness
@Singleton
class DatabaseReadiness implements HealthCheck {

    private final DatabaseStatus status;

    DatabaseReadiness(DatabaseStatus status) {
        this.status = status;
    }

    @Override
    public HealthCheckResponse call() {
        DatabaseStatus.Current current = status.current();
        return HealthCheckResponse.named("database")
                .status(current.state() == State.READY)
                .withData("state", current.state().name().toLowerCase(Locale.ROOT))
                .withData("detail", status.forAnybody(current.detail()))
                .build();
    }
}
