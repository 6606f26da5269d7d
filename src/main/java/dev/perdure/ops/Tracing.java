package dev.perdure.ops;

import dev.perdure.config.PerdureConfig;
import dev.perdure.engine.telemetry.EngineStatistics;
import io.opentelemetry.api.trace.Tracer;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Begins to trace when OpenTelemetry is switched on; otherwise nobody is told of anything. */
@Singleton
class Tracing {

    private final boolean disabled;
    private final PerdureConfig config;
    private final EngineStatistics statistics;
    private final Instance<Tracer> tracer;

    Tracing(
            @ConfigProperty(name = "quarkus.otel.sdk.disabled") boolean disabled,
            PerdureConfig config,
            EngineStatistics statistics,
            Instance<Tracer> tracer) {
        this.disabled = disabled;
        this.config = config;
        this.statistics = statistics;
        this.tracer = tracer;
    }

    void begin(@Observes StartupEvent event) {
        if (!disabled) {
            statistics.observe(new InstanceTraces(tracer.get(), config.traceStatements()));
        }
    }
}
