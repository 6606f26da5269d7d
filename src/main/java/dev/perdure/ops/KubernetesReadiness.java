package dev.perdure.ops;

import dev.perdure.kubernetes.OperatorStatus;
import dev.perdure.kubernetes.watch.FeedStatus;
import jakarta.inject.Singleton;
import java.util.Locale;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * The readiness of the operator, with the reason for each kind in each namespace that is not watched, and for each namespace
 * whose resources belong to another database. Always UP: workflows that are started in SQL are executed without an API server,
 * and taking the pod out of service would bring none back.
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
        HealthCheckResponseBuilder response = HealthCheckResponse.named("kubernetes")
                .up()
                .withData("state", status.state().name().toLowerCase(Locale.ROOT))
                .withData("detail", status.detail());
        for (FeedStatus watch : status.watches()) {
            if (watch.problem() != null) {
                response.withData(
                        watch.kind().plural() + " of " + watch.namespace(),
                        "not watched since " + watch.since() + ": " + watch.problem());
            }
        }
        status.unclaimed().forEach((namespace, problem) -> response.withData("resources of " + namespace, problem));
        return response.build();
    }
}
