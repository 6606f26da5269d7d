package dev.perdure.engine.actor;

import dev.perdure.database.LogText;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.engine.telemetry.Telemetry;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.template.AddressBook;
import dev.perdure.store.Journal;
import dev.perdure.store.LoadedInstance;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The instances in memory, by id. They come in, leave, and are read again here. Thread-safe. */
public final class Actors {

    private static final Logger LOG = Logger.getLogger(Actors.class);

    /** Reads instances from the tables, sooner or later. */
    public interface Loads {

        /** Queues an instance to be read. */
        void load(String instance, long role, long bytes);

        /** The time up to which timers are kept in memory; an instance that waits only for later ones can leave it. */
        Instant horizon();
    }

    private final Map<String, InstanceActor> actors = new ConcurrentHashMap<>();
    private final ActorContext context;
    private final InstanceReader reader;
    private final Loads loads;
    private final Consumer<String> ended;
    /** Items of maps, by instance. */
    private final Map<String, Set<InstanceActor>> items = new ConcurrentHashMap<>();
    /** Instances that left while rows are being read: their rows that are read are old. */
    private final Set<String> leftMeanwhile = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    /**
     * An empty memory.
     *
     * @param addresses that steps hand out
     * @param ended told of each instance that has ended, or may have given a slot back; must not block
     */
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
            Breakdowns breakdowns,
            AddressBook addresses,
            Consumer<String> ended) {
        this.loads = loads;
        this.ended = ended;
        this.reader = new InstanceReader(memory.most(), addresses, new Instances());
        this.context = new ActorContext(
                this,
                breakdowns,
                new EndWriter(breakdowns, codec, writer, clock),
                codec,
                writer,
                marks,
                effects,
                lanes,
                memory,
                timers,
                clock,
                telemetry);
    }

    /** The origin of instances: the tables. */
    private final class Instances implements Home {

        @Override
        public void load(InstanceActor actor, long bytes) {
            loads.load(actor.id(), actor.role(), bytes);
        }

        @Override
        public void ended(InstanceActor actor, Checkpoint.InstanceEnd end) {
            instanceEnded(actor.origin(), end);
            if (end.status() == Checkpoint.InstanceEnd.Status.FAILED) {
                LOG.infof("Instance %s failed: %s", actor.id(), LogText.of(end.output()));
            } else if (LOG.isDebugEnabled()) {
                LOG.debugf("Instance %s %s", actor.id(), end.status());
            }
        }
    }

    /** Brings an item of a map into memory, which finds its position; null when nothing begins any more. */
    public @Nullable InstanceActor begin(LoadedState item, MemoryQuota.Holding memory) {
        InstanceActor actor = new InstanceActor(item, memory, context);
        actors.put(actor.id(), actor);
        items.compute(actor.instance(), (instance, all) -> {
            Set<InstanceActor> with = all == null ? ConcurrentHashMap.newKeySet() : all;
            with.add(actor);
            return with;
        });
        if (closed) {
            unload(actor);
            return null;
        }
        actor.begin(null);
        return actor;
    }

    /** The items of an instance's maps that are in memory. */
    public Collection<InstanceActor> itemsOf(String instance) {
        return items.getOrDefault(instance, Set.of());
    }

    /** Unloads an item whose map is over, or waits. */
    public void leave(InstanceActor item) {
        unload(item);
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

    /** Notes that rows are about to be read. */
    public void loadBegins() {
        leftMeanwhile.clear();
    }

    /**
     * Brings an instance that was read into memory, where it finds its position or ends at once.
     *
     * @param memory what was taken for it; given back when it does not come in
     */
    public void begin(LoadedInstance loaded, MemoryQuota.Holding memory) {
        LogFields.with(loaded.id(), null, () -> {
            if (!closed && leftMeanwhile.contains(loaded.id())) {
                memory.close();
                load(loaded);
            } else {
                bringIn(loaded, memory);
            }
        });
    }

    /** Does the same for an instance that cannot have come into memory while it was read. */
    public void beginAlone(LoadedInstance loaded, MemoryQuota.Holding memory) {
        LogFields.with(loaded.id(), null, () -> bringIn(loaded, memory));
    }

    private void bringIn(LoadedInstance loaded, MemoryQuota.Holding memory) {
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
        context.ends()
                .write(
                        new EndWriter.Ending(
                                loaded.id(),
                                loaded.submitter().oid(),
                                null,
                                end -> instanceEnded(InstanceReader.origin(loaded), end),
                                () -> load(loaded)),
                        loaded.version() + 1,
                        loaded.status().equals("cancelled"),
                        why);
    }

    private void instanceEnded(InstanceOrigin origin, Checkpoint.InstanceEnd end) {
        context.telemetry().instanceEnded(origin, end, context.clock().instant());
        ended.accept(origin.id());
    }

    /** Reads an instance again, because memory and tables disagree or something broke: the tables are right. */
    public void reload(InstanceActor actor) {
        long bytes = actor.memory().bytes();
        unload(actor);
        actor.home().load(actor, bytes);
    }

    /** Reads an instance again, whose next version has been taken already. */
    void stale(InstanceActor actor) {
        long bytes = actor.memory().bytes();
        unload(actor);
        context.breakdowns().stale(actor.id(), () -> actor.home().load(actor, bytes));
    }

    void unload(InstanceActor actor) {
        remove(actor);
        actor.leave(InstanceActor.Phase.UNLOADED);
    }

    private void remove(InstanceActor actor) {
        leftMeanwhile.add(actor.id());
        actors.remove(actor.id(), actor);
        if (actor.item() != null) {
            items.computeIfPresent(actor.instance(), (instance, all) -> {
                all.remove(actor);
                return all.isEmpty() ? null : all;
            });
        }
    }

    /** Handles an exception that came from handing a result to an instance or an item; false when it is not in memory. */
    public boolean brokeDown(String id, Throwable failure) {
        InstanceActor actor = actors.get(id);
        if (actor != null) {
            context.breakdowns().brokeDown(actor, failure, () -> {});
            actor.clearMailbox();
        }
        return actor != null;
    }

    /** Reports that a part of an instance has ended that may have held a slot of a queue. */
    void slotMayBeFree(InstanceActor actor) {
        ended.accept(actor.id());
    }

    void ended(InstanceActor actor, Checkpoint.@Nullable InstanceEnd end) {
        remove(actor);
        context.breakdowns().goesOn(actor.id());
        if (end != null) {
            actor.home().ended(actor, end);
        }
    }

    /** Unloads an instance that has nothing to do for a while. Within its mailbox. */
    void rest(InstanceActor actor) {
        InstanceState.Waiting waiting = actor.state().waiting();
        if (actor.item() != null
                || actor.phase() != InstanceActor.Phase.RUNNING
                || actor.isLookingForSignals()
                || !canWaitOutside(actor, waiting)) {
            return;
        }
        unload(actor);
        // The horizon may have moved since it was asked for, and who moved it has seen the instance still here.
        if (!isBeyond(loads.horizon(), waiting.until())) {
            loads.load(actor.id(), actor.role(), 0);
        }
    }

    private boolean canWaitOutside(InstanceActor actor, InstanceState.Waiting waiting) {
        if (!waiting.only() || !isBeyond(loads.horizon(), waiting.until())) {
            return false;
        }
        // A signal may come at any time: it is answered faster from memory, as long as there is room.
        return actor.state().signalWaits().isEmpty() || context.memory().isCrowded(actor.role());
    }

    private static boolean isBeyond(Instant horizon, @Nullable Instant wake) {
        return wake == null || wake.isAfter(horizon);
    }

    /**
     * Makes room in memory: instances that only wait leave it.
     *
     * @param isInTheWay instances whose place another one of the role needs: they leave unless an attempt of them is under way, and come
     * in again when there is room
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

    /** Brings no more instances into memory, since the term is about to end. */
    public void refuse() {
        closed = true;
    }

    /** Unloads all instances, since the term is over. */
    public void close() {
        refuse();
        actors.values().forEach(this::unload);
    }
}
