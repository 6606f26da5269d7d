package dev.perdure.engine.owner;

import dev.perdure.engine.actor.Actors;
import dev.perdure.engine.actor.Drain;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.LoadedState;
import dev.perdure.engine.actor.Message;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.store.Journal;
import dev.perdure.store.LoadedInstance;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Brings instances into memory: new ones, those that an earlier term left, those whose timer is near, those that were cancelled or got a
 * signal, and those whose memory turned out to be stale. Used by the owner's loop only, apart from {@link #load} and {@link #horizon}.
 */
final class Intake implements Actors.Loads {

    private static final Logger LOG = Logger.getLogger(Intake.class);

    /** Most instances that one look names. A role that starts thousands is ahead of others by that many names, a matter of milliseconds. */
    private static final int MOST_STARTED = 2000;
    /** Bytes of definitions that a look reads along with the new instances that it finds. */
    private static final long ALONG_BYTES = 256 * 1024;

    private static final int PAGE = 2000;
    private static final int DUE_PAGE = 2000;
    private static final int MOST_LOADED = 100;
    private static final long LOAD_BYTES = 1024 * 1024;

    private final LoadQueue queue;
    private final LargeLoads large;
    private final Trials trials = new Trials();
    private final MemoryQuota memory;
    private final Wakeup loop;
    private final Duration window;
    private final EngineStatistics statistics;
    private @Nullable String snapshot;
    private Journal.@Nullable Page page;
    private volatile Instant horizon = Instant.EPOCH;
    /** The time up to which all due instances were named. */
    private Instant dueUntil = Instant.EPOCH;

    private boolean knowsMoreDue;
    private boolean moreNews;
    private boolean hasTakenOver;
    /** Number of instances that were there when the term began, as far as they were named. */
    private int goOn;

    /**
     * An intake at the beginning of a term.
     *
     * @param largeBytes of an instance that is read by itself
     * @param window how far ahead timers are kept in memory
     */
    Intake(MemoryQuota memory, long largeBytes, Wakeup loop, Duration window, EngineStatistics statistics) {
        this.queue = new LoadQueue(memory);
        this.large = new LargeLoads(memory, largeBytes);
        this.memory = memory;
        this.loop = loop;
        this.window = window;
        this.statistics = statistics;
    }

    @Override
    public void load(String instance, long role, long bytes) {
        queue(instance, role, bytes, false);
        loop.wake();
    }

    private void queue(String instance, long role, long bytes, boolean takenOver) {
        if (bytes > large.bytes()) {
            large.add(instance, role, bytes, takenOver);
        } else {
            queue.add(instance, role, bytes, takenOver);
        }
    }

    @Override
    public Instant horizon() {
        return horizon;
    }

    /** Whether there is something to read though nothing new has come. */
    boolean hasMore() {
        return page != null || moreNews || knowsMoreDue;
    }

    /** Whether suspects wait, which are read one role at a time. */
    boolean isTrying() {
        return trials.isOn();
    }

    /** Queues the instances whose trial begins now. */
    void tryNext(long nanos, Actors actors) {
        if (page != null) {
            return;
        }
        trials.next(nanos, actors::contains)
                .forEach(instance -> queue(instance.id(), instance.role(), instance.bytes(), true));
    }

    /** Whether this term has taken something over from earlier ones. */
    boolean hasTakenOver() {
        return hasTakenOver;
    }

    /** Number of ids that wait to be read. */
    int waiting() {
        return queue.size() + large.waiting();
    }

    /** The large instances, which are read beside the exchanges. */
    LargeLoads large() {
        return large;
    }

    /** The next look at the tables. */
    Journal.Look look(Instant now) {
        Journal.Due due = null;
        if (snapshot != null && (knowsMoreDue || dueUntil.isBefore(now.plus(window.dividedBy(2))))) {
            // First the horizon, then the query: who decides in between to stay in memory sees the new one.
            horizon = now.plus(window);
            due = new Journal.Due(dueUntil, horizon, DUE_PAGE);
        }
        boolean isCrowded = queue.size() > 0;
        return new Journal.Look(snapshot, MOST_STARTED, isCrowded ? 0 : ALONG_BYTES, page, due);
    }

    /** Takes in the findings of a look. */
    void found(Journal.News news, Actors actors, SignalDelivery signals, Teller teller) {
        boolean isFirst = snapshot == null;
        snapshot = news.snapshot();
        if (isFirst) {
            page = new Journal.Page(news.snapshot(), 0, "", PAGE);
        }
        moreNews = news.more();
        statistics.instancesStarted(news.along().size() + news.started().size());
        for (Journal.InstanceRef started : news.started()) {
            teller.tell(started.id(), () -> {
                if (!isReadAgain(started.id(), started.role(), started.bytes(), actors)) {
                    queue(started.id(), started.role(), started.bytes(), false);
                }
            });
        }
        news.along().forEach(loaded -> teller.tell(loaded.id(), () -> foundAlong(loaded, actors)));
        takeOver(news, actors);
        if (news.due() != null) {
            knowsMoreDue = news.due().instances().size() >= DUE_PAGE;
            dueUntil = news.due().until();
            news.due().instances().forEach(due -> queueUnlessHere(due, actors));
        }
        news.cancelled().forEach(row -> teller.tell(row.instance(), () -> cancelled(row, actors)));
        news.signals().forEach(sent -> teller.tell(sent.instance(), () -> arrived(sent, actors, signals)));
    }

    private void foundAlong(LoadedInstance loaded, Actors actors) {
        long role = loaded.submitter().oid();
        if (isReadAgain(loaded.id(), role, loaded.bytes(), actors)) {
            return;
        }
        if (loaded.isLarge()) {
            large.add(loaded.id(), role, loaded.bytes(), false);
            return;
        }
        MemoryQuota.Holding holding = memory.hold(role);
        if (holding.takeInTurn(LoadedState.footprint(loaded.bytes()))) {
            actors.begin(loaded, holding);
        } else {
            queue(loaded.id(), role, loaded.bytes(), false);
        }
    }

    private void cancelled(Journal.Cancelled cancelled, Actors actors) {
        InstanceActor actor = actors.get(cancelled.instance());
        if (actor != null && actor.cancel(cancelled.reason())) {
            return;
        }
        if (large.isReading(cancelled.instance())) {
            large.afterwards("cancel", read -> read.cancel(cancelled.reason()));
        } else {
            queue(cancelled.instance(), cancelled.role(), cancelled.bytes(), false);
        }
    }

    private void arrived(Journal.SignalSent sent, Actors actors, SignalDelivery signals) {
        InstanceActor actor = actors.get(sent.instance());
        actors.itemsOf(sent.instance()).forEach(item -> signals.arrived(item, sent.name(), () -> {}));
        Runnable again = () -> load(sent.instance(), sent.role(), sent.bytes());
        if (actor != null) {
            signals.arrived(actor, sent.name(), again);
        } else if (large.isReading(sent.instance())) {
            large.afterwards("signal " + sent.name(), read -> signals.arrived(read, sent.name(), again));
        } else {
            again.run();
        }
    }

    /**
     * An instance that is named as new and is in memory has been continued after its end: its rows differ from memory, or its end is
     * committed and not handled yet.
     */
    private boolean isReadAgain(String id, long role, long bytes, Actors actors) {
        InstanceActor actor = actors.get(id);
        if (actor != null) {
            actor.post(new Message() {
                @Override
                public boolean handle(InstanceActor self, Drain drain) {
                    self.readAgain();
                    return true;
                }

                @Override
                public void dropped() {
                    load(id, role, bytes);
                }
            });
        } else if (large.isReading(id)) {
            large.afterwards(
                    "redrive",
                    read -> read.post((self, drain) -> {
                        self.readAgain();
                        return true;
                    }));
        }
        return actor != null || large.isReading(id);
    }

    private void takeOver(Journal.News news, Actors actors) {
        Journal.LeftPage left = news.left();
        if (left == null) {
            return;
        }
        trials.know(left.suspects());
        for (Journal.InstanceRef instance : left.instances()) {
            boolean isStartedSince = actors.contains(instance.id());
            goOn += isStartedSince ? 0 : 1;
            if (!trials.keeps(instance) && !isStartedSince) {
                queue(instance.id(), instance.role(), instance.bytes(), true);
            }
        }
        hasTakenOver |= !left.instances().isEmpty();
        statistics.instancesTakenOver(left.instances().size());
        page = left.next();
        if (page == null && goOn > 0) {
            LOG.infof("Instances that were there and go on: %d", goOn);
        }
    }

    private void queueUnlessHere(Journal.InstanceRef instance, Actors actors) {
        if (!actors.contains(instance.id())) {
            queue(instance.id(), instance.role(), instance.bytes(), false);
        }
    }

    /** Instances to be read with the next exchange, without those that are in memory. */
    Reading reading(Actors actors) {
        Map<String, LoadQueue.Admitted> admitted = new LinkedHashMap<>();
        for (LoadQueue.Admitted next : queue.admit(MOST_LOADED, LOAD_BYTES)) {
            if (actors.contains(next.id())
                    || large.isReading(next.id())
                    || admitted.putIfAbsent(next.id(), next) != null) {
                next.memory().close();
            }
        }
        return new Reading(admitted, large.bytes());
    }

    /**
     * Takes in the instances that were read: the first ones of those asked for, in order, without those that no longer exist or must not
     * begin yet. The rest may have been too much for one exchange, and is asked for again.
     */
    void read(Reading reading, List<LoadedInstance> loaded, Actors actors, Teller teller) {
        Map<String, LoadQueue.Admitted> missing = new LinkedHashMap<>(reading.admitted);
        for (LoadedInstance instance : loaded) {
            LoadQueue.Admitted admitted = missing.get(instance.id());
            if (admitted == null) {
                continue;
            }
            for (Iterator<LoadQueue.Admitted> before = missing.values().iterator(); before.hasNext(); ) {
                LoadQueue.Admitted next = before.next();
                before.remove();
                if (next == admitted) {
                    break;
                }
                trials.read(next.id());
                next.memory().close();
            }
            teller.tell(instance.id(), () -> settle(instance, admitted, actors));
        }
        boolean wasAnythingThere = missing.size() < reading.admitted.size();
        missing.values().forEach(admitted -> {
            admitted.memory().close();
            if (wasAnythingThere) {
                queue.add(admitted.id(), admitted.role(), 0, admitted.takenOver());
            } else {
                trials.read(admitted.id());
            }
        });
    }

    /** Notes that an instance has another size than expected. */
    private void settle(LoadedInstance instance, LoadQueue.Admitted admitted, Actors actors) {
        if (instance.isLarge()) {
            admitted.memory().close();
            large.add(instance.id(), admitted.role(), instance.bytes(), admitted.takenOver());
            return;
        }
        long needed = LoadedState.footprint(instance.bytes());
        long more = needed - admitted.memory().bytes();
        if (more > 0 && needed <= memory.most() && !admitted.memory().takeInTurn(more)) {
            admitted.memory().close();
            queue.add(instance.id(), admitted.role(), instance.bytes(), admitted.takenOver());
            return;
        }
        trials.read(instance.id());
        admitted.memory().set(Math.min(needed, memory.most()));
        actors.begin(instance, admitted.memory());
    }

    /** Takes in an instance that was read beside the exchanges, or could not be. */
    void largeEnded(LargeLoads.Reading read, boolean isRead, Actors actors) {
        if (!large.ended(read, isRead, actors)) {
            trials.read(read.id());
        }
    }

    /** Queues the reads of an exchange again, which was not answered. */
    void lost(Reading reading) {
        reading.admitted.values().forEach(admitted -> {
            admitted.memory().close();
            queue.add(admitted.id(), admitted.role(), 0, admitted.takenOver());
        });
    }

    /** Instances that are being read, with the memory for them. */
    static final class Reading {

        private final Map<String, LoadQueue.Admitted> admitted;
        private final long large;

        private Reading(Map<String, LoadQueue.Admitted> admitted, long large) {
            this.large = large;
            this.admitted = admitted;
        }

        Journal.@Nullable Load load() {
            return admitted.isEmpty()
                    ? null
                    : new Journal.Load(
                            List.copyOf(admitted.keySet()),
                            LOAD_BYTES,
                            large,
                            admitted.values().stream()
                                    .filter(LoadQueue.Admitted::takenOver)
                                    .map(LoadQueue.Admitted::id)
                                    .toList());
        }
    }
}
