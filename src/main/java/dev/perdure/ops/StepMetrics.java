package dev.perdure.ops;

import dev.perdure.engine.telemetry.EngineObserver;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.engine.telemetry.StepReport.Outcome;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Durations of steps, by type of node and outcome. */
@Singleton
class StepMetrics implements MeterBinder {

    private static final Duration[] BUCKETS = {
        Duration.ofMillis(1),
        Duration.ofNanos(2_500_000),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofMillis(2500),
        Duration.ofSeconds(5),
        Duration.ofSeconds(10),
        Duration.ofSeconds(30),
        Duration.ofMinutes(1),
        Duration.ofMinutes(5),
        Duration.ofMinutes(30)
    };

    private final Databases databases;

    StepMetrics(Databases databases) {
        this.databases = databases;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (ServedDatabase one : databases.all()) {
            one.statistics().observe(new OfDatabase(registry, Labels.of(one)));
        }
    }

    /** Those of one database. */
    private static final class OfDatabase implements EngineObserver {

        private final MeterRegistry registry;
        private final Tags database;
        private final Map<String, Map<Outcome, Timer>> timers = new ConcurrentHashMap<>();

        OfDatabase(MeterRegistry registry, Tags database) {
            this.registry = registry;
            this.database = database;
            // Before the first step: a dashboard must find the names on a new worker.
            timers.put("SQL", timers("SQL"));
        }

        @Override
        public void stepEnded(StepReport report) {
            Timer timer = timers.computeIfAbsent(report.kind(), this::timers).get(report.outcome());
            if (timer != null) {
                timer.record(Duration.between(report.startedAt(), report.endedAt()));
            }
        }

        private Map<Outcome, Timer> timers(String kind) {
            Map<Outcome, Timer> byOutcome = new EnumMap<>(Outcome.class);
            for (Outcome outcome : Outcome.values()) {
                byOutcome.put(
                        outcome,
                        Timer.builder("perdure.step.duration")
                                .description("Attempts at steps, from the moment that they got a session's slot")
                                .tags(database)
                                .tag("kind", kind)
                                .tag("outcome", Labels.of(outcome))
                                .serviceLevelObjectives(BUCKETS)
                                .register(registry));
            }
            return byOutcome;
        }
    }
}
