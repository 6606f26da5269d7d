package dev.perdure.engine.owner;

import dev.perdure.engine.actor.Actors;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.EngineStatistics;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/** The inbox of the owner's loop: the engine leaves its requests here. */
public final class OwnerDesk {

    private final GroupCommit writes;
    private final AttemptWriter begins;
    private final MarkBuffer marks;
    private final Intake intake;
    private final SignalDelivery signals;
    private final ItemReads items;

    /**
     * An empty desk.
     *
     * @param largeBytes of an instance that is read by itself
     * @param window how far ahead timers are kept in memory
     */
    public OwnerDesk(
            Wakeup loop,
            MemoryQuota memory,
            long largeBytes,
            InstantSource clock,
            LongSupplier nanos,
            Duration window,
            EngineStatistics statistics) {
        this.writes = new GroupCommit(loop, nanos);
        this.begins = new AttemptWriter(loop);
        this.marks = new MarkBuffer(loop);
        this.intake = new Intake(memory, largeBytes, loop, window, statistics);
        this.signals = new SignalDelivery(loop, clock, memory);
        this.items = new ItemReads(loop);
    }

    /** The decisions of the owner. */
    public GroupCommit writes() {
        return writes;
    }

    /** The attempts that begin. */
    public AttemptWriter begins() {
        return begins;
    }

    /** The marks of running nodes. */
    public MarkBuffer marks() {
        return marks;
    }

    /** The waits for signals. */
    public SignalDelivery signals() {
        return signals;
    }

    /** The reads and writes of items of maps. */
    public ItemReads items() {
        return items;
    }

    /** The instances to be read. */
    public Actors.Loads loads() {
        return intake;
    }

    Intake intake() {
        return intake;
    }

    /** Number of instances that wait to be read. */
    public int waitingToBeRead() {
        return intake.waiting();
    }

    /** Closes the desk: nothing may be left here any more. */
    public void close() {
        writes.close();
        begins.close();
    }
}
