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

    /** Which database. */
    DatabaseConfig database();

    /** Further databases by name, which are served by the same workers. */
    Map<String, OneDatabaseConfig> databases();

    /**
     * Start a PostgreSQL of our own when {@code perdure.database.url} is not set. True in development mode; for
     * trying out, not for production.
     */
    @WithDefault("false")
    boolean embedded();

    /** Where the embedded server keeps its data, relative to the working directory. It outlives the application. */
    @WithDefault("data/postgres")
    Path embeddedDataDirectory();

    /** The port of the embedded server on 127.0.0.1. When somebody else has it, a free one is taken and logged. */
    @Min(1) @Max(65535) @WithDefault("15477")
    int embeddedPort();

    /** In embedded mode, start a sample workflow as the role {@code app} on each start. */
    @WithDefault("true")
    boolean embeddedSample();

    /** How the worker logs in as submitters. */
    LoginConfig login();

    /** How steps are executed. */
    StepConfig step();

    /** HTTP steps: which hosts may be called, and limits. */
    HttpConfig http();

    /** Secrets that HTTP steps may refer to. */
    SecretsConfig secrets();

    /** Election of the one worker that executes. */
    LeaderConfig leader();

    /** How the leader finds new work. */
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

    /** How many instances are deleted in one transaction. */
    @Min(1) @Max(100000) @WithDefault("500")
    int retentionBatchSize();

    /** How often the leader deletes old instances, the first time so long after its start. Zero: never. */
    @DurationMin(seconds = 0)
    @WithDefault("1h")
    Duration reconcileInterval();

    /** How often the leader counts instances and timers for the metrics. Zero: never. */
    @DurationMin(seconds = 0)
    @WithDefault("15s")
    Duration metricsInterval();

    /** Where traces are on, whether their spans contain statements and error texts: they can hold what users keep secret. */
    @WithDefault("false")
    boolean traceStatements();
}
