package dev.perdure.ops;

import dev.perdure.database.DatabaseStatus;
import dev.perdure.leader.LeaderStatus;
import io.smallrye.health.api.HealthGroup;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;

/** UP on the leader only: for a Service that has to reach the worker that executes. */
@HealthGroup("leader")
@jakarta.enterprise.context.ApplicationScoped
public class LeaderHealth implements HealthCheck {

    private final LeaderStatus leader;
    private final DatabaseStatus database;

    LeaderHealth(LeaderStatus leader, DatabaseStatus database) {
        this.leader = leader;
        this.database = database;
    }

    @Override
    public HealthCheckResponse call() {
        LeaderStatus.View view = leader.view();
        return HealthCheckResponse.named("leader")
                .status(view.role() == LeaderStatus.Role.LEADER)
                .withData("role", view.role().name())
                .withData("detail", database.forAnybody(view.detail()))
                .build();
    }
}
