package dev.perdure.engine.actor;

import dev.perdure.database.LogText;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.engine.telemetry.Telemetry;
import dev.perdure.flow.Checkpoint;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import dev.perdure.store.LoadedInstance;
import dev.perdure.store.Park;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The instances in memory, by id: who comes in, who leaves, who is read again. Thread-safe. */
public final class Actors {

    private static final Logger LOG = Logger.getLogger(Actors.class);

    /** Reads instances from the tables, sooner or later. */
    public interface Loads {

        /** Has an instance read. */
        void load(String instance, long role, long bytes);

        /** Timers up to this time are looked for in memory; an instance that only waits for later ones can leave it. */
        Instant horizon();
    }

    private final Map<String, InstanceActor> actors = new ConcurrentHashMap<>();
    private final ActorContext context;
    private final InstanceReader reader;
    private final Loads loads;
    /** Who left while rows are being read: what is read of them is old. */
    private final Set<String> leftMeanwhile = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    public Actors(
            Loads loads,
            CheckpointCodec codec,
            DecisionWriter writer,
            Consumer<Journal.Mark> marks,
            Effects effects,
            Lanes lanes,
            MemoryQuota memory,
            TimerPort timers,
            InstantSource clock,
            Telemetry telemetry,
            Breakdowns breakdowns) {
        this.loads = loads;
        this.reader = new InstanceReader(memory.most());
        this.context = new ActorContext(
                this, breakdowns, codec, writer, marks, effects, lanes, memory, timers, clock, telemetry);
    }

    public @Nullable InstanceActor get(String id) {
        return actors.get(id);
    }

    public boolean contains(String id) {
        return actors.containsKey(id);
    }

    public int size() {
        return actors.size();
    }

    public Collection<InstanceActor> all() {
        return actors.values();
    }

    /** Rows are about to be read. */
    public void loadBegins() {
        leftMeanwhile.clear();
    }

    /**
     * An instance was read: it comes into memory and finds its position, or ends at once.
     *
     * @param memory what was taken for it; given back when it does not come in
     */
    public void begin(LoadedInstance loaded, MemoryQuota.Holding memory) {
        LogFields.with(loaded.id(), null, () -> {
            if (!closed && leftMeanwhile.contains(loaded.id())) {
                memory.close();
                load(loaded);
            } else {
                comesIn(loaded, memory);
            }
        });
    }

    /** The same for one that nobody else could have brought into memory while it was read. */
    public void beginAlone(LoadedInstance loaded, MemoryQuota.Holding memory) {
        LogFields.with(loaded.id(), null, () -> comesIn(loaded, memory));
    }

    private void comesIn(LoadedInstance loaded, MemoryQuota.Holding memory) {
        if (closed || actors.containsKey(loaded.id())) {
            memory.close();
            return;
        }
        boolean isCancelled = loaded.status().equals("cancelled");
        InstanceActor actor;
        try {
            actor = new InstanceActor(reader.read(loaded), memory, context);
        } catch (InstanceReader.RefusedException e) {
            memory.close();
            end(loaded, String.valueOf(e.getMessage()));
            return;
        } catch (RuntimeException | StackOverflowError e) {
            // Rows that nobody foresaw must not keep the others that were read with them from beginning.
            memory.close();
            LOG.errorf(e, "Instance %s: its state cannot be read", loaded.id());
            String why = "its state cannot be read: " + e;
            if (context.breakdowns().isGivenUp(loaded.id(), why)) {
                end(loaded, context.breakdowns().text(loaded.id(), why));
            } else {
                context.breakdowns().later(loaded.id(), () -> load(loaded));
            }
            return;
        }
        actors.put(loaded.id(), actor);
        if (closed) {
            unload(actor);
            return;
        }
        String reason = loaded.cancelReason() == null ? "Cancelled by user" : loaded.cancelReason();
        actor.begin(isCancelled ? reason : null);
    }

    private void load(LoadedInstance loaded) {
        loads.load(loaded.id(), loaded.submitter().oid(), loaded.bytes());
    }

    private void end(LoadedInstance loaded, String why) {
        end(
                InstanceReader.origin(loaded),
                loaded.submitter().oid(),
                loaded.version() + 1,
                loaded.status().equals("cancelled"),
                why);
    }

    /** Ends an instance that cannot run and is not in memory. */
    void end(InstanceOrigin origin, long role, int version, boolean isCancelled, String why) {
        LogFields.with(origin.id(), null, () -> LOG.warnf("Instance %s fails: %s", origin.id(), LogText.of(why)));
        Checkpoint.InstanceEnd end = new Checkpoint.InstanceEnd(
                isCancelled ? Checkpoint.InstanceEnd.Status.CANCELLED : Checkpoint.InstanceEnd.Status.FAILED, why);
        CheckpointRequest draft = new CheckpointRequest(
                origin.id(),
                version,
                List.of(new Checkpoint(List.of(), null, end)),
                Map.of(),
                List.of(),
                new Park.Unchanged(),
                context.clock().instant(),
                true,
                true);
        context.writer().write(role, context.codec().ofOwner(draft), outcome -> {
            if (outcome instanceof Journal.Written.Ok) {
                context.breakdowns().goesOn(origin.id());
                context.telemetry().instanceEnded(origin, end, context.clock().instant());
            } else if (outcome instanceof Journal.Written.Stale) {
                context.breakdowns().stale(origin.id(), () -> loads.load(origin.id(), role, 0));
            } else if (outcome instanceof Journal.Written.Rejected rejected) {
                LogFields.with(
                        origin.id(),
                        null,
                        () -> LOG.errorf(
                                "Instance %s: its end cannot be written: %s",
                                origin.id(), rejected.failure().message()));
            }
        });
    }

    /** Memory and tables disagree, or something broke: the tables are right. */
    public void reload(InstanceActor actor) {
        long bytes = actor.memory().bytes();
        unload(actor);
        loads.load(actor.id(), actor.role(), bytes);
    }

    /** Somebody has taken the version that was to be taken. */
    void stale(InstanceActor actor) {
        long bytes = actor.memory().bytes();
        unload(actor);
        context.breakdowns().stale(actor.id(), () -> loads.load(actor.id(), actor.role(), bytes));
    }

    void load(InstanceActor actor) {
        loads.load(actor.id(), actor.role(), 0);
    }

    void unload(InstanceActor actor) {
        remove(actor);
        actor.leave(InstanceActor.Phase.UNLOADED);
    }

    private void remove(InstanceActor actor) {
        leftMeanwhile.add(actor.id());
        actors.remove(actor.id(), actor);
    }

    void ended(InstanceActor actor, Checkpoint.@Nullable InstanceEnd end) {
        remove(actor);
        context.breakdowns().goesOn(actor.id());
        if (end == null) {
            return;
        }
        context.telemetry().instanceEnded(actor.origin(), end, context.clock().instant());
        if (end.status() == Checkpoint.InstanceEnd.Status.FAILED) {
            LOG.infof("Instance %s failed: %s", actor.id(), LogText.of(end.output()));
        } else if (LOG.isDebugEnabled()) {
            LOG.debugf("Instance %s %s", actor.id(), end.status());
        }
    }

    /** Lets an instance leave memory that has nothing to do for a while. Within its mailbox. */
    void rest(InstanceActor actor) {
        if (actor.phase() != InstanceActor.Phase.RUNNING || actor.isLookingForSignals() || !canWaitOutside(actor)) {
            return;
        }
        Instant wake = actor.state().earliestWake();
        unload(actor);
        // The horizon may have moved since it was asked for, and who moved it has seen the instance still here.
        if (!isBeyond(loads.horizon(), wake)) {
            loads.load(actor.id(), actor.role(), 0);
        }
    }

    private boolean canWaitOutside(InstanceActor actor) {
        if (!actor.state().isOnlyWaiting()
                || !isBeyond(loads.horizon(), actor.state().earliestWake())) {
            return false;
        }
        // A signal may come at any time: it is answered faster from memory, as long as there is room.
        return actor.state().signalWaits().isEmpty() || context.memory().isCrowded(actor.role());
    }

    private static boolean isBeyond(Instant horizon, @Nullable Instant wake) {
        return wake == null || wake.isAfter(horizon);
    }

    /**
     * Memory is wanted: those that only wait leave it.
     *
     * @param isInTheWay whose place another instance of the role needs to go on: they leave unless something of them is under way,
     *     and come in again when there is room
     */
    public void makeRoom(Predicate<InstanceActor> isInTheWay) {
        for (InstanceActor actor : new HashSet<>(actors.values())) {
            if (!actor.isBusy() && context.memory().isCrowded(actor.role())) {
                actor.post((self, drain) -> {
                    rest(self);
                    if (self.phase() == InstanceActor.Phase.RUNNING && isInTheWay.test(self) && !self.isUnderWay()) {
                        reload(self);
                    }
                    return true;
                });
            }
        }
    }

    /** The term is over: nothing of it goes on. */
    public void close() {
        closed = true;
        actors.values().forEach(this::unload);
    }
}
