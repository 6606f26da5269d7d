package dev.perdure.kubernetes;

import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/**
 * Switches the SDK's own meters off: it registers one name with different tags, which Prometheus refuses, and the refusal
 * reaches the event that was to be handled.
 */
@Singleton
final class OperatorMetrics {

    @Produces
    @Singleton
    Metrics none() {
        return Metrics.NOOP;
    }
}
