package dev.perdure.ops;

import dev.perdure.kubernetes.OperatorStatus;
import jakarta.inject.Singleton;
import java.util.Locale;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Tells what the operator does. Always UP: workflows that are started in SQL are executed without an API server, and taking the
 * pod out of service would bring none back.
 */
@Readiness
@Singleton
class KubernetesReadiness implements HealthCheck {

    private final OperatorStatus status;

    KubernetesReadiness(OperatorStatus status) {
        this.status = status;
    }

    @Override
    public HealthCheckResponse call() {
        OperatorStatus.Current current = status.current();
        return HealthCheckResponse.named("kubernetes")
                .up()
                .withData("state", current.state().name().toLowerCase(Locale.ROOT))
                .withData("detail", current.detail())
                .build();
    }
}
