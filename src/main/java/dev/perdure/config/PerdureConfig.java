package dev.perdure.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.hibernate.validator.constraints.time.DurationMin;

/** Everything that can be set, as {@code perdure.*} in a configuration file, {@code PERDURE_*} in the environment. */
@ConfigMapping(prefix = "perdure")
public interface PerdureConfig {

    /** The database. */
    DatabaseConfig database();

    /** Further databases by name, which are served by the same workers. */
    Map<String, OneDatabaseConfig> databases();

    /**
     * Start a PostgreSQL of our own when {@code perdure.database.url} is not set. True in development mode; for
     * trying out, not for production.
     */
    @WithDefault("false")
    boolean embedded();

    /** The directory of the embedded server's data, relative to the working directory. It outlives the application. */
    @WithDefault("data/postgres")
    Path embeddedDataDirectory();

    /** The port of the embedded server on 127.0.0.1. When somebody else has it, a free one is taken and logged. */
    @Min(1) @Max(65535) @WithDefault("15477")
    int embeddedPort();

    /** In embedded mode, start a sample workflow as the role {@code app} on each start. */
    @WithDefault("true")
    boolean embeddedSample();

    /** Logins as submitters. */
    LoginConfig login();

    /** Execution of steps. */
    StepConfig step();

    /** HTTP steps: which hosts may be called, and limits. */
    HttpConfig http();

    /** Secrets that HTTP steps may refer to. */
    SecretsConfig secrets();

    /** Election of the one worker that executes. */
    LeaderConfig leader();

    /** The leader's search for new work. */
    IntakeConfig intake();

    /** The worker's memory. */
    MemoryConfig memory();

    /** Sleeping and waiting instances. */
    TimerConfig timer();

    /** The end of the application. */
    ShutdownConfig shutdown();

    /** The operator inside a Kubernetes cluster. */
    KubernetesConfig kubernetes();

    /** The dashboard and the HTTP API. */
    WebConfig web();

    /**
     * A step that runs longer than this is shown as {@code running} in {@code df.nodes}; shorter ones cost no extra
     * commit.
     */
    @DurationMin(millis = 1)
    @WithDefault("100ms")
    Duration markRunningAfter();

    /** So many days after its end an instance is deleted, with its nodes, signals and executions. */
    @Min(0) @Max(36500) @WithDefault("30")
    int retentionDays();

    /** Of the instances that have ended, so many of the newest are kept at most, however young the others are. */
    @Min(0) @WithDefault("10000")
    int maxEndedInstances();

    /** The number of instances deleted in one transaction. */
    @Min(1) @Max(100000) @WithDefault("500")
    int retentionBatchSize();

    /** The interval at which the leader deletes old instances; the first time is one interval after its start. Zero: never. */
    @DurationMin(seconds = 0)
    @WithDefault("1h")
    Duration reconcileInterval();

    /** The interval at which the leader counts instances and timers for the metrics. Zero: never. */
    @DurationMin(seconds = 0)
    @WithDefault("15s")
    Duration metricsInterval();

    /** Whether the spans of traces contain statements and error texts, which can hold secrets of users. */
    @WithDefault("false")
    boolean traceStatements();
}
