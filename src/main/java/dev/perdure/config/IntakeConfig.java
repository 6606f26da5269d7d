package dev.perdure.config;

import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMin;

/** Intake of new work by the leader: {@code perdure.intake.*}. */
public interface IntakeConfig {

    /** The interval at which an idle worker looks for new work by itself, in case a notification is missing. */
    @DurationMin(millis = 1)
    @WithDefault("1s")
    Duration idlePollInterval();

    /** The interval at which a worker looks for new work while more than 400 instances a second are started. */
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
}
