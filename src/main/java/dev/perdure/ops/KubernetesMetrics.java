package dev.perdure.ops;

import dev.perdure.config.PerdureConfig;
import dev.perdure.kubernetes.OperatorStatus;
import dev.perdure.kubernetes.reconcile.ReconciliationCounts;
import dev.perdure.kubernetes.watch.FeedStatus;
import dev.perdure.kubernetes.watch.ResourceKind;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.stream.Stream;

/** Metrics of the operator: watches by namespace, and looks at resources. */
@Singleton
class KubernetesMetrics implements MeterBinder {

    private final OperatorStatus status;
    private final ReconciliationCounts counts;
    private final List<String> namespaces;

    KubernetesMetrics(PerdureConfig config, OperatorStatus status, ReconciliationCounts counts) {
        this.status = status;
        this.counts = counts;
        // The worker's own namespace is not known before there is a connection, and needs no name.
        this.namespaces = config.kubernetes().namespaces().orElse(List.of(""));
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (ResourceKind kind : ResourceKind.values()) {
            for (String namespace : namespaces) {
                Gauge.builder("perdure.kubernetes.watching", status, s -> watching(s, kind, namespace))
                        .description("1 while the resources of a kind in a namespace are watched, 0 while they are not")
                        .tag("kind", kind.kind())
                        .tag("namespace", namespace)
                        .register(registry);
            }
            for (boolean succeeded : new boolean[] {true, false}) {
                FunctionCounter.builder("perdure.kubernetes.reconciliations", counts, c -> c.counted(kind, succeeded))
                        .description("Looks at resources, by how they ended")
                        .tag("kind", kind.kind())
                        .tag("outcome", succeeded ? "succeeded" : "failed")
                        .register(registry);
            }
        }
        FunctionCounter.builder("perdure.kubernetes.watch.restarts", status, s -> s.watches().stream()
                        .mapToLong(FeedStatus::restarts)
                        .sum())
                .description("Watches that broke and were begun again")
                .register(registry);
        Gauge.builder("perdure.kubernetes.unclaimed", status, s -> s.unclaimed().size())
                .description("Namespaces whose resources are not known to belong to this worker's database")
                .register(registry);
        Gauge.builder("perdure.kubernetes.queued", status, OperatorStatus::queued)
                .description("Resources that wait to be looked at")
                .register(registry);
        Gauge.builder(
                        "perdure.kubernetes.clock.offset",
                        status,
                        s -> s.clockOffset().toMillis() / 1000.0)
                .description("How far the clock of this node is behind that of the API server")
                .baseUnit("seconds")
                .register(registry);
    }

    /** Not a number where the operator is off. */
    private static double watching(OperatorStatus status, ResourceKind kind, String namespace) {
        if (status.state() == OperatorStatus.State.OFF) {
            return Double.NaN;
        }
        Stream<FeedStatus> watches = status.watches().stream()
                .filter(watch -> watch.kind() == kind
                        && (namespace.isEmpty() || watch.namespace().equals(namespace)));
        return watches.anyMatch(watch -> watch.state() == FeedStatus.State.WATCHING) ? 1 : 0;
    }
}
