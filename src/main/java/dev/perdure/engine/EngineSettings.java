package dev.perdure.engine;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.PerdureConfig;
import dev.perdure.engine.owner.OwnerLoop;
import dev.perdure.engine.sql.SqlContext;
import java.time.Duration;

/**
 * Settings of the engine; the defaults and their meaning are those of {@code PerdureConfig}.
 *
 * @param markRunningAfter after this time a node that runs is shown as running
 * @param grace how long steps may go on at an orderly end
 */
record EngineSettings(EngineParts.Options options, Duration markRunningAfter, Duration grace) {

    /** Bytes that an exchange can read beside everything else in a millisecond or two. */
    private static final long LARGE_BYTES = 256 * 1024;

    static EngineSettings of(PerdureConfig config, DatabaseOptions options) {
        return new EngineSettings(
                new EngineParts.Options(
                        options.memoryBytes(),
                        LARGE_BYTES,
                        config.timer().window(),
                        new OwnerLoop.Pace(
                                config.intake().idlePollInterval(),
                                config.intake().busyPollInterval(),
                                config.intake().idleAfter(),
                                config.intake().notifications()),
                        new SqlContext.Settings(
                                options.maxConcurrent(),
                                options.maxConcurrentPerRole(),
                                options.roleReserve(),
                                config.step().maxResultSize().asLongValue(),
                                config.step().shareTransactions()
                                        ? config.step().shareBelow()
                                        : Duration.ZERO,
                                config.step().acquireTimeout(),
                                config.step().transientRetries(),
                                config.login().giveUpAfter())),
                config.markRunningAfter(),
                config.shutdown().gracePeriod());
    }
}
