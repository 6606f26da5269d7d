package dev.perdure.engine;

import java.time.Duration;

/**
 * What can be set about the engine; the defaults and their meaning are those of {@code PerdureConfig}.
 *
 * @param maxSteps sessions of steps at once
 * @param maxStepsPerRole the same for one role
 * @param maxResultSize bytes of one result
 * @param shareBelow steps that lately took less than this may share the transaction of the step before them
 * @param acquireTimeout how long a step may wait for a slot before it fails; zero for as long as it takes
 * @param transientRetries how often a step is tried again after failures that may pass
 * @param batchSize instances of one intake
 * @param maxLoaded instances in memory
 * @param idlePoll how often an idle worker looks for work without being told
 * @param busyPoll the same for a busy one
 * @param idleAfter over which time arrivals are counted to tell a busy worker from an idle one
 * @param notifications whether an idle worker asks to be told
 * @param timerWindow timers further away than this are kept in the tables only
 * @param markRunningAfter after this time a node that runs is shown as running
 * @param grace how long steps may go on at an orderly end
 */
public record EngineSettings(
        int maxSteps,
        int maxStepsPerRole,
        long maxResultSize,
        Duration shareBelow,
        Duration acquireTimeout,
        int transientRetries,
        int batchSize,
        int maxLoaded,
        Duration idlePoll,
        Duration busyPoll,
        Duration idleAfter,
        boolean notifications,
        Duration timerWindow,
        Duration markRunningAfter,
        Duration grace) {}
