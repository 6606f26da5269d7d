package dev.perdure.config;

import io.smallrye.config.WithDefault;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The operator inside a Kubernetes cluster: {@code perdure.kubernetes.*}. */
public interface KubernetesConfig {

    /** Whether the leader reconciles custom resources. */
    enum Enabled {
        /** In a pod with a service account. */
        AUTO,
        TRUE,
        FALSE
    }

    /**
     * Whether the leader reconciles DurableWorkflow and DurableSchedule resources: {@code auto} (in a pod with a service
     * account), {@code true} or {@code false}.
     */
    @WithDefault("auto")
    Enabled enabled();

    /** This worker handles the resources with this name in {@code spec.worker}. */
    @WithDefault("default")
    String workerName();

    /** The namespaces that are watched. Default: the worker's own. */
    Optional<List<String>> namespaces();

    /**
     * The roles that the resources of a namespace may run as, for example
     * {@code perdure.kubernetes.roles."team-a"=app_orders,etl}. A namespace that is not named may use none.
     */
    Map<String, List<String>> roles();
}
