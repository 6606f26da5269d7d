package dev.perdure.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;
import org.hibernate.validator.constraints.time.DurationMin;

/** Election of the one worker that executes: {@code perdure.leader.*}. */
public interface LeaderConfig {

    /**
     * The time that a standby waits for the leader's lock before it checks whether the leader still lives. It gets a free lock at once.
     */
    @DurationMin(millis = 1)
    @WithDefault("500ms")
    Duration pollInterval();

    /** The interval at which the leader checks that it still holds its lock. */
    @DurationMin(millis = 1)
    @WithDefault("1s")
    Duration heartbeatInterval();

    /** A leader without an answered heartbeat for this long stops by itself. */
    @DurationMin(millis = 1)
    @WithDefault("5s")
    Duration deadline();

    /**
     * With several databases: how often, at most, a worker that leads at least two more of them than another one gives one away.
     * Zero: never.
     */
    @DurationMin(seconds = 0)
    @WithDefault("1m")
    Duration spreadInterval();

    /**
     * In Kubernetes, the EndpointSlice of this worker's namespace that shall hold the address of the leader. It exists
     * already, as in {@code k8s/base}; without this setting nothing is asked of Kubernetes.
     */
    Optional<String> endpointSlice();

    /** The address of this worker's pod, for {@code perdure.leader.endpoint-slice}. */
    Optional<String> podAddress();

    /** The name of this worker's pod, for {@code perdure.leader.endpoint-slice}. */
    Optional<String> podName();
}
