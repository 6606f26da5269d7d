package dev.perdure.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMin;

/** Execution of steps: {@code perdure.step.*}. */
public interface StepConfig {

    /** How many SQL steps execute at the same time, of all roles together: sessions on the server. */
    @Min(1) @WithDefault("32")
    int maxConcurrent();

    /**
     * How many SQL steps may execute beyond {@code max-concurrent}, one each of roles of which none executes. When all of these are
     * in use too, the statement that began last of the role that has most is interrupted and runs again later.
     */
    @Min(0) @WithDefault("32")
    int roleReserve();

    /**
     * How many SQL steps of one role execute at the same time. More than about three for each processor of the server make short
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

    /** How long logging in as a submitter may take. */
    @DurationMin(seconds = 1)
    @WithDefault("30s")
    Duration connectTimeout();

    /** A result larger than this fails its step, rolled back. */
    @WithDefault("16M")
    MemorySize maxResultSize();

    /** How long a checkpoint waits for a row lock that a sibling branch may hold before it makes way. */
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

    /** How often a step that failed with a transient error, such as a deadlock, is tried again. */
    @Min(0) @WithDefault("10")
    int transientRetries();
}
