package dev.perdure.config;

import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMin;

/** How the leader finds new work: {@code perdure.intake.*}. */
public interface IntakeConfig {

    /** How many instances are loaded in one read. */
    @Min(1) @WithDefault("500")
    int batchSize();

    /** How often an idle worker looks by itself, in case a notification is missing. */
    @DurationMin(millis = 1)
    @WithDefault("1s")
    Duration idlePollInterval();

    /** How often a busy worker looks. */
    @DurationMin(millis = 1)
    @WithDefault("5ms")
    Duration busyPollInterval();

    /** After this long without work the worker calls itself idle, and asks for notifications. */
    @DurationMin(millis = 1)
    @WithDefault("500ms")
    Duration idleAfter();

    /**
     * Whether {@code df.start} and others send NOTIFY while the worker is idle. Without it new work waits for the
     * idle poll.
     */
    @WithName("notify")
    @WithDefault("true")
    boolean notifications();

    /** How many instances are in memory at most. */
    @Min(1) @WithDefault("20000")
    int maxLoadedInstances();
}
