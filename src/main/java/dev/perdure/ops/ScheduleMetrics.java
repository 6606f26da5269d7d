package dev.perdure.ops;

import dev.perdure.control.ScheduleKeeper;
import dev.perdure.flow.schedule.SchedulePlan;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.util.Locale;

/** Metrics of schedules: outcomes of planned times. */
@Singleton
class ScheduleMetrics implements MeterBinder {

    private final ScheduleKeeper schedules;

    ScheduleMetrics(ScheduleKeeper schedules) {
        this.schedules = schedules;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (SchedulePlan.Outcome outcome : SchedulePlan.Outcome.values()) {
            FunctionCounter.builder("perdure.schedule.runs", schedules, s -> s.count(outcome))
                    .description("Planned times of schedules that this worker decided")
                    .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
    }
}
