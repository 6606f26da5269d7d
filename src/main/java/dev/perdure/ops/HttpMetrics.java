package dev.perdure.ops;

import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.step.http.HttpOutcome;
import dev.perdure.step.http.HttpStatistics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;

/** Metrics of HTTP steps, by outcome of the request. */
@Singleton
class HttpMetrics implements MeterBinder {

    private final Databases databases;

    HttpMetrics(Databases databases) {
        this.databases = databases;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        databases.all().forEach(one -> bind(one, registry));
    }

    private static void bind(ServedDatabase one, MeterRegistry registry) {
        Tags database = Labels.of(one);
        EngineStatistics statistics = one.statistics();
        HttpStatistics http = statistics.http();
        for (HttpOutcome outcome : HttpOutcome.values()) {
            FunctionCounter.builder("perdure.http.requests", http, h -> h.counted(outcome))
                    .description("HTTP requests by how they ended")
                    .tag("outcome", outcome.label())
                    .tags(database)
                    .register(registry);
        }
        FunctionCounter.builder("perdure.http.request", http, HttpStatistics::seconds)
                .description("Time that HTTP requests took, all together")
                .baseUnit("seconds")
                .tags(database)
                .register(registry);
        FunctionCounter.builder("perdure.http.response", http, HttpStatistics::responseBytes)
                .description("Bodies of responses that were received")
                .baseUnit("bytes")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.http.requests.running", http, HttpStatistics::inFlight)
                .description("HTTP requests that are under way")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.http.requests.queued", statistics, EngineStatistics::queuedRequests)
                .description("HTTP requests that wait for others to end")
                .tags(database)
                .register(registry);
    }
}
