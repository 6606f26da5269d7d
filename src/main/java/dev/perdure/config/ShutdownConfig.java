package dev.perdure.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMin;

/** The end of the application: {@code perdure.shutdown.*}. */
public interface ShutdownConfig {

    /** The time that executing steps have to end after the application is told to stop. Zero interrupts them at once. */
    @DurationMin(millis = 0)
    @WithDefault("10s")
    Duration gracePeriod();
}
