package dev.perdure.ops;

import dev.perdure.database.DatabaseStatus;
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
    private final DatabaseStatus database;

    ElectionReadiness(LeaderStatus leader, DatabaseStatus database) {
        this.leader = leader;
        this.database = database;
    }

    @Override
    public HealthCheckResponse call() {
        LeaderStatus.View view = leader.view();
        return HealthCheckResponse.named("election")
                .status(view.role() == LeaderStatus.Role.LEADER || view.role() == LeaderStatus.Role.STANDBY)
                .withData("role", view.role().name())
                .withData("since", view.since().toString())
                .withData("detail", database.forAnybody(view.detail()))
                .build();
    }
}
