package dev.perdure.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMin;

/** Sleeping and waiting instances: {@code perdure.timer.*}. */
public interface TimerConfig {

    /** The leader keeps timers in memory that are due within this time; later timers are rows only. */
    @DurationMin(millis = 1)
    @WithDefault("30s")
    Duration window();
}
