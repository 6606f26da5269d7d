package dev.perdure.ops;

import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.step.http.HttpOutcome;
import dev.perdure.step.http.HttpStatistics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;

/** Metrics of HTTP steps, by outcome of the request. */
@Singleton
class HttpMetrics implements MeterBinder {

    private final EngineStatistics statistics;

    HttpMetrics(EngineStatistics statistics) {
        this.statistics = statistics;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        HttpStatistics http = statistics.http();
        for (HttpOutcome outcome : HttpOutcome.values()) {
            FunctionCounter.builder("perdure.http.requests", http, h -> h.counted(outcome))
                    .description("HTTP requests by how they ended")
                    .tag("outcome", outcome.label())
                    .register(registry);
        }
        FunctionCounter.builder("perdure.http.request", http, HttpStatistics::seconds)
                .description("Time that HTTP requests took, all together")
                .baseUnit("seconds")
                .register(registry);
        FunctionCounter.builder("perdure.http.response", http, HttpStatistics::responseBytes)
                .description("Bodies of responses that were received")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("perdure.http.requests.running", http, HttpStatistics::inFlight)
                .description("HTTP requests that are under way")
                .register(registry);
        Gauge.builder("perdure.http.requests.queued", statistics, EngineStatistics::queuedRequests)
                .description("HTTP requests that wait for others to end")
                .register(registry);
    }
}
