package dev.perdure.engine.sql;

import dev.perdure.engine.actor.TimerPort;
import dev.perdure.engine.owner.AttemptWriter;
import dev.perdure.engine.owner.GroupCommit;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.step.StepPort;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/**
 * The services that the execution of statements uses.
 *
 * @param port sessions of submitters
 * @param threads run one thing each, which may block on a session
 * @param clock the server's time
 * @param nanos a monotonic source
 */
public record SqlContext(
        StepPort port,
        Executor threads,
        AttemptWriter begins,
        GroupCommit writes,
        MemoryQuota memory,
        TimerPort timers,
        InstantSource clock,
        LongSupplier nanos,
        EngineStatistics statistics,
        Settings settings) {

    /**
     * The settings of the executor.
     *
     * @param slots sessions at once
     * @param slotsPerRole the same for one role
     * @param reserve sessions beyond, one each for roles that have none
     * @param maxResultSize bytes of one result
     * @param shareBelow steps that take less than this may share the transaction of the step before them; zero: none do
     * @param acquireTimeout how long an attempt may wait for a slot before the step fails; zero for as long as it takes
     * @param retries how often a step is tried again after failures that it can have caused itself
     * @param giveUpAfter how long what is the server's trouble is waited out
     */
    public record Settings(
            int slots,
            int slotsPerRole,
            int reserve,
            long maxResultSize,
            Duration shareBelow,
            Duration acquireTimeout,
            int retries,
            Duration giveUpAfter) {}
}
