package dev.perdure.ops;

import dev.perdure.config.PerdureConfig;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
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
    private final Databases databases;
    private final Instance<Tracer> tracer;

    Tracing(
            @ConfigProperty(name = "quarkus.otel.sdk.disabled") boolean disabled,
            PerdureConfig config,
            Databases databases,
            Instance<Tracer> tracer) {
        this.disabled = disabled;
        this.config = config;
        this.databases = databases;
        this.tracer = tracer;
    }

    void begin(@Observes StartupEvent event) {
        if (!disabled) {
            for (ServedDatabase one : databases.all()) {
                one.statistics().observe(new InstanceTraces(one.name(), tracer.get(), config.traceStatements()));
            }
        }
    }
}
