package dev.perdure.ops;

import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.flow.schedule.SchedulePlan;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.util.Locale;

/** Metrics of schedules: outcomes of planned times. */
@Singleton
class ScheduleMetrics implements MeterBinder {

    private final Databases databases;

    ScheduleMetrics(Databases databases) {
        this.databases = databases;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (ServedDatabase one : databases.all()) {
            for (SchedulePlan.Outcome outcome : SchedulePlan.Outcome.values()) {
                FunctionCounter.builder("perdure.schedule.runs", one.schedules(), s -> s.count(outcome))
                        .description("Planned times of schedules that this worker decided")
                        .tags(Labels.of(one))
                        .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                        .register(registry);
            }
        }
    }
}
