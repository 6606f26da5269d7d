package dev.perdure.engine.actor;

import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.Telemetry;
import dev.perdure.store.Journal;
import java.time.InstantSource;
import java.util.function.Consumer;

/**
 * The services that an actor uses.
 *
 * @param marks shows a node as running, sooner or later
 * @param clock the server's time
 */
record ActorContext(
        Actors actors,
        Breakdowns breakdowns,
        EndWriter ends,
        CheckpointCodec codec,
        DecisionWriter writer,
        Consumer<Journal.Mark> marks,
        Effects effects,
        Lanes lanes,
        MemoryQuota memory,
        TimerPort timers,
        InstantSource clock,
        Telemetry telemetry) {}
