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

    /** How often a worker looks while more than 200 instances a second are started. */
    @DurationMin(millis = 1)
    @WithDefault("10ms")
    Duration busyPollInterval();

    /** Over this time the worker counts starts, to tell whether it looks often or asks for notifications. */
    @DurationMin(millis = 1)
    @WithDefault("500ms")
    Duration idleAfter();

    /**
     * Whether the worker asks for a NOTIFY from {@code df.start} and others while few instances are started. Without it
     * the worker looks every 50 ms.
     */
    @WithName("notify")
    @WithDefault("true")
    boolean notifications();

    /**
     * How many instances are in memory at most. Those of one role take at most three quarters of what the other roles leave,
     * and new ones none beyond half of it.
     */
    @Min(1) @WithDefault("20000")
    int maxLoadedInstances();
}
