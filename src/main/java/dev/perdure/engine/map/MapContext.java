package dev.perdure.engine.map;

import dev.perdure.engine.actor.Actors;
import dev.perdure.engine.actor.TimerPort;
import dev.perdure.engine.owner.ItemReads;
import dev.perdure.engine.queue.MemoryQuota;
import java.time.InstantSource;
import java.util.function.LongPredicate;
import java.util.function.Supplier;

/**
 * The services that maps use.
 *
 * @param actors the instances and items in memory
 * @param lastResort for maps that find no memory
 * @param othersAreAtWork whether another role than this one has something to do
 * @param clock the server's time
 * @param counts of the term
 */
public record MapContext(
        Supplier<Actors> actors,
        ItemReads items,
        MemoryQuota memory,
        LastResort lastResort,
        LongPredicate othersAreAtWork,
        TimerPort timers,
        InstantSource clock,
        MapCounts counts) {

    public MapContext(
            Supplier<Actors> actors,
            ItemReads items,
            MemoryQuota memory,
            LongPredicate othersAreAtWork,
            TimerPort timers,
            InstantSource clock,
            MapCounts counts) {
        this(actors, items, memory, new LastResort(), othersAreAtWork, timers, clock, counts);
    }
}
