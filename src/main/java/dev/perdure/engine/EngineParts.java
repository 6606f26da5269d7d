package dev.perdure.engine;

import dev.perdure.engine.actor.Actors;
import dev.perdure.engine.actor.Breakdowns;
import dev.perdure.engine.actor.CheckpointCodec;
import dev.perdure.engine.actor.Effects;
import dev.perdure.engine.actor.Lanes;
import dev.perdure.engine.actor.TimerPort;
import dev.perdure.engine.map.MapContext;
import dev.perdure.engine.map.MapCounts;
import dev.perdure.engine.map.Maps;
import dev.perdure.engine.owner.OwnerDesk;
import dev.perdure.engine.owner.OwnerLoop;
import dev.perdure.engine.owner.ServerClock;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.sql.SqlContext;
import dev.perdure.engine.sql.SqlExecutor;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.flow.template.AddressBook;
import dev.perdure.step.StepPort;
import dev.perdure.store.Journal;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The engine's core of one term, wired: the parts that decide, write and execute, over two ports. In production its threads and clocks are
 * the machine's, in the simulation they are one thread and a seed.
 *
 * @param memory what everything that is held for instances is taken from
 */
record EngineParts(
        OwnerDesk desk,
        OwnerLoop loop,
        Actors actors,
        SqlExecutor sql,
        MemoryQuota memory,
        ServerClock clock,
        MapCounts maps) {

    /**
     * The services under the core.
     *
     * @param ownerThread runs the turns of the owner's loop, one after the other
     * @param sessionThreads run what may block on a session
     * @param nanos a monotonic source
     * @param start of the server's clock until the server has said what time it is
     * @param addresses that steps hand out
     * @param ended told of each instance that has ended, or may have given a slot back; must not block
     * @param stepDown ends the term, with the reason
     */
    record Ground(
            Journal journal,
            StepPort steps,
            CheckpointCodec codec,
            Lanes lanes,
            Executor ownerThread,
            Executor sessionThreads,
            TimerPort timers,
            LongSupplier nanos,
            Instant start,
            EngineStatistics statistics,
            Breakdowns.History history,
            AddressBook addresses,
            Consumer<String> ended,
            Consumer<String> stepDown) {}

    /**
     * The settings of the core.
     *
     * @param largeBytes an instance of more than so many bytes is read by itself
     */
    record Options(
            long memoryBytes, long largeBytes, Duration timerWindow, OwnerLoop.Pace pace, SqlContext.Settings sql) {}

    /**
     * Wires the core.
     *
     * @param effects makes what starts effects, of what was wired already
     */
    static EngineParts wire(Ground ground, Options options, Function<Wired, Effects> effects) {
        Late late = new Late();
        ServerClock clock = new ServerClock(ground.start(), ground.nanos());
        MemoryQuota memory = new MemoryQuota(options.memoryBytes(), late::memoryIsFree);
        OwnerDesk desk = new OwnerDesk(
                late::wake,
                memory,
                options.largeBytes(),
                clock,
                ground.nanos(),
                options.timerWindow(),
                ground.statistics());
        SqlExecutor sql = new SqlExecutor(new SqlContext(
                ground.steps(),
                ground.sessionThreads(),
                desk.begins(),
                desk.writes(),
                memory,
                ground.timers(),
                clock,
                ground.nanos(),
                ground.statistics(),
                options.sql()));
        MapCounts counts = new MapCounts(ground.statistics()::itemsEnded);
        Maps maps = new Maps(new MapContext(
                late::actors, desk.items(), memory, sql::isSharedWithOthers, ground.timers(), clock, counts));
        Actors actors = new Actors(
                desk.loads(),
                ground.codec(),
                desk.writes(),
                desk.marks()::add,
                effects.apply(new Wired(desk, sql, memory, clock, maps)),
                ground.lanes(),
                memory,
                ground.timers(),
                clock,
                ground.statistics(),
                new Breakdowns(ground.history(), ground.timers(), ground.stepDown()),
                ground.addresses(),
                ground.ended());
        OwnerLoop loop = new OwnerLoop(
                ground.journal(),
                ground.ownerThread(),
                ground.timers(),
                ground.nanos(),
                clock,
                options.pace(),
                desk,
                actors,
                memory,
                () -> actors.makeRoom(sql.inTheWay()),
                ground.stepDown());
        late.are(loop, sql, actors);
        return new EngineParts(desk, loop, actors, sql, memory, clock, counts);
    }

    /** The parts that exist before effects can be started. */
    record Wired(OwnerDesk desk, SqlExecutor sql, MemoryQuota memory, ServerClock clock, Maps maps) {}

    /** Calls to parts that do not exist yet, filled in when they do. */
    private static final class Late {

        private volatile Runnable wake = () -> {};
        private volatile Runnable free = () -> {};
        private volatile @Nullable Actors actors;

        void are(OwnerLoop loop, SqlExecutor sql, Actors all) {
            actors = all;
            wake = loop::wake;
            free = () -> {
                loop.wake();
                sql.memoryIsFree();
            };
        }

        Actors actors() {
            return Objects.requireNonNull(actors, "nothing runs before all is wired");
        }

        void wake() {
            wake.run();
        }

        void memoryIsFree() {
            free.run();
        }
    }
}
