package dev.perdure.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMin;

/** Execution of steps: {@code perdure.step.*}. */
public interface StepConfig {

    /** The number of SQL steps that execute at the same time, of all roles together: sessions on the server. */
    @Min(1) @WithDefault("32")
    int maxConcurrent();

    /**
     * The number of SQL steps that may execute beyond {@code max-concurrent}, one for each role that has no step executing. When all of
     * these are in use too, the newest statement of the role with the most statements is interrupted and runs again later.
     */
    @Min(0) @WithDefault("32")
    int roleReserve();

    /**
     * The number of SQL steps of one role that execute at the same time. More than about three for each processor of the server make short
     * steps dearer (docs/performance.md).
     */
    @Min(1) @WithDefault("8")
    int maxConcurrentPerRole();

    /**
     * A session older than this is closed instead of used again, so that a changed role, grant or password takes
     * effect.
     */
    @DurationMin(millis = 1)
    @WithDefault("5m")
    Duration sessionMaxAge();

    /** A session that nobody used for this long is closed. */
    @DurationMin(millis = 1)
    @WithDefault("30s")
    Duration sessionIdleTimeout();

    /** The time limit for logging in as a submitter. */
    @DurationMin(seconds = 1)
    @WithDefault("30s")
    Duration connectTimeout();

    /** A result larger than this fails its step, rolled back. */
    @WithDefault("16M")
    MemorySize maxResultSize();

    /** The time that a checkpoint waits for a row lock that a sibling branch may hold before it makes way. */
    @DurationMin(millis = 1)
    @WithDefault("2s")
    Duration lockTimeout();

    /**
     * Whether steps that follow one another may share a transaction, and so one commit. Each is its own step with its own
     * checkpoint; what they share is {@code now()} and their locks until the commit.
     */
    @WithDefault("true")
    boolean shareTransactions();

    /**
     * No step joins a transaction that is older than five times this; one that takes longer than ten times this is undone and
     * runs in a transaction of its own.
     */
    @DurationMin(millis = 1)
    @WithDefault("20ms")
    Duration shareBelow();

    /**
     * A step that has waited for a slot for this long fails. Zero lets it wait for as long as it takes, which delays
     * workflows under load and fails none.
     */
    @DurationMin(millis = 0)
    @WithDefault("0s")
    Duration acquireTimeout();

    /** The number of retries of a step that failed with a transient error, such as a deadlock. */
    @Min(0) @WithDefault("10")
    int transientRetries();
}
