package dev.perdure.ops;

import dev.perdure.leader.LeaderStatus;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** UP on the leader and on a healthy standby alike. */
@Readiness
@ApplicationScoped
public class ElectionReadiness implements HealthCheck {

    private final LeaderStatus leader;

    ElectionReadiness(LeaderStatus leader) {
        this.leader = leader;
    }

    @Override
    public HealthCheckResponse call() {
        LeaderStatus.View view = leader.view();
        return HealthCheckResponse.named("election")
                .status(view.role() == LeaderStatus.Role.LEADER || view.role() == LeaderStatus.Role.STANDBY)
                .withData("role", view.role().name())
                .withData("since", view.since().toString())
                .withData("detail", view.detail())
                .build();
    }
}
