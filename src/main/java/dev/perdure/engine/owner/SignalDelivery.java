package dev.perdure.engine.owner;

import dev.perdure.engine.actor.Drain;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Message;
import dev.perdure.engine.queue.FairQueue;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Event;
import dev.perdure.flow.SignalWait;
import dev.perdure.store.Journal.Signal;
import dev.perdure.store.Journal.SignalWanted;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Brings signals to the waits of instances in memory. A node that begins to wait asks for a look, and so does the loop when a signal has
 * come, so that signal and wait always meet. Roles take turns, and one read is bounded in bytes. An instance has one look under way; its
 * next one begins when the signals of the last are committed. Thread-safe.
 */
public final class SignalDelivery {

    /** Bytes of signal data that one exchange reads. */
    static final long BYTES = 1024 * 1024;

    private static final int MOST = 200;
    /** Bytes that the largest signal takes in memory. */
    private static final long LARGEST = 3 * 1024 * 1024;
    /** The largest part of a role's memory that the looks of one exchange take. */
    private static final int PART = 16;

    /** The looks of an instance: names of signals, and waits whose deadline has passed, which end when nothing is found for them. */
    private static final class Look {
        private final Set<String> names = new LinkedHashSet<>();
        private final List<Activation> expired = new ArrayList<>();
    }

    /** The looks of one exchange, in the order in which they are read: roles take turns within its bytes, too. */
    static final class Batch {
        private final Map<InstanceActor, Look> looks = new LinkedHashMap<>();
        private final Map<Long, MemoryQuota.Holding> memory = new HashMap<>();
        private boolean isForced;

        boolean isEmpty() {
            return looks.isEmpty();
        }

        private void close() {
            memory.values().forEach(MemoryQuota.Holding::close);
        }

        List<SignalWanted> wanted() {
            List<SignalWanted> wanted = new ArrayList<>();
            looks.forEach((actor, look) -> look.names.forEach(name -> wanted.add(new SignalWanted(actor.id(), name))));
            return wanted;
        }
    }

    private final Wakeup loop;
    private final InstantSource clock;
    private final MemoryQuota memory;
    private final FairQueue<InstanceActor> queue = new FairQueue<>(FairQueue.Limits.of(Integer.MAX_VALUE));
    private final Map<InstanceActor, Look> wanted = new HashMap<>();
    private final Set<InstanceActor> busy = new LinkedHashSet<>();

    public SignalDelivery(Wakeup loop, InstantSource clock, MemoryQuota memory) {
        this.loop = loop;
        this.clock = clock;
        this.memory = memory;
    }

    /** Looks for a signal of that name. */
    public void look(InstanceActor actor, String name) {
        look(actor, name, null);
    }

    /** Looks for the last time: a wait without a signal has timed out. */
    public void lookLast(InstanceActor actor, String name, Activation expired) {
        look(actor, name, expired);
    }

    private void look(InstanceActor actor, String name, @Nullable Activation expired) {
        synchronized (this) {
            Look look = wanted.get(actor);
            if (look == null) {
                look = new Look();
                wanted.put(actor, look);
                actor.looksForSignals(true);
                queue.add(actor.role(), actor.instance(), actor);
            }
            look.names.add(name);
            if (expired != null) {
                look.expired.add(expired);
            }
        }
        loop.wake();
    }

    /**
     * Looks for a signal of that name, which has come for an instance in memory.
     *
     * @param ifGone called when it has left memory before it was told
     */
    void arrived(InstanceActor actor, String name, Runnable ifGone) {
        actor.post(new Message() {
            @Override
            public boolean handle(InstanceActor self, Drain drain) {
                if (self.state().signalWaits().stream()
                        .anyMatch(wait -> wait.name().equals(name))) {
                    look(self, name, null);
                }
                return true;
            }

            @Override
            public void dropped() {
                ifGone.run();
            }
        });
    }

    synchronized Batch next() {
        Batch batch = new Batch();
        while (batch.looks.size() < MOST) {
            InstanceActor actor = queue.poll(next -> hasMemory(next, batch));
            if (actor == null) {
                break;
            }
            queue.release(actor.role());
            Look look = busy.contains(actor) ? null : wanted.remove(actor);
            if (look != null && actor.isLive()) {
                batch.looks.put(actor, look);
                busy.add(actor);
            }
            // One that is busy is put in once more when what it has found is committed.
        }
        if (batch.isEmpty()) {
            batch.close();
        }
        return batch;
    }

    /**
     * The memory of a role's looks in one exchange, as much as the largest signal takes; given back when the signals are in their
     * instances. An exchange reads no more in all than that and {@link #BYTES}. One role that has no more than it may have gets it in any
     * case: its own instances may be what fills its memory, and none leaves before it has looked.
     */
    private boolean hasMemory(InstanceActor actor, Batch batch) {
        if (batch.memory.containsKey(actor.role())) {
            return true;
        }
        MemoryQuota.Holding holding = memory.hold(actor.role());
        long bytes = Math.min(LARGEST, memory.most() / PART);
        if (!holding.take(bytes)) {
            if (batch.isForced || memory.taken(actor.role()) > memory.most()) {
                return false;
            }
            batch.isForced = true;
            holding.force(bytes);
        }
        batch.memory.put(actor.role(), holding);
        return true;
    }

    synchronized void lost(Batch batch) {
        batch.close();
        batch.looks.forEach((actor, look) -> {
            busy.remove(actor);
            Look both = wanted.computeIfAbsent(actor, key -> new Look());
            both.names.addAll(look.names);
            both.expired.addAll(look.expired);
            queue.add(actor.role(), actor.instance(), actor);
        });
    }

    /**
     * Takes the signals that were found.
     *
     * @param complete whether all that was asked for was looked for; otherwise what is missing is asked for again
     */
    void answered(Batch batch, List<Signal> signals, boolean complete, Teller teller) {
        Map<String, Map<String, Signal>> found = new HashMap<>();
        signals.forEach(signal ->
                found.computeIfAbsent(signal.instance(), id -> new HashMap<>()).put(signal.name(), signal));
        batch.looks.forEach((actor, look) -> {
            Map<String, Signal> ofInstance = found.getOrDefault(actor.id(), Map.of());
            if (!complete && ofInstance.isEmpty()) {
                Batch again = new Batch();
                again.looks.put(actor, look);
                lost(again);
                return;
            }
            Delivery delivery = new Delivery(actor, look, ofInstance);
            teller.tell(actor.id(), () -> {
                actor.memory().force(bytes(ofInstance));
                actor.post(delivery);
            });
        });
        batch.close();
        if (!complete) {
            loop.wake();
        }
    }

    /** Whether so few bytes came that no signal can have been left out; a char takes at most three bytes. */
    static boolean isComplete(List<Signal> signals) {
        return signals.stream().mapToLong(signal -> 3L * signal.data().length()).sum() < BYTES;
    }

    private static long bytes(Map<String, Signal> signals) {
        return signals.values().stream()
                .mapToLong(signal -> 2L * signal.data().length())
                .sum();
    }

    /** Posts one delivery or timeout a message, since each can change the waits of the instance. */
    private final class Delivery implements Message {

        private final InstanceActor to;
        private final Look look;
        private final Map<String, Signal> found;
        private final Set<String> done = new LinkedHashSet<>();

        Delivery(InstanceActor to, Look look, Map<String, Signal> found) {
            this.to = to;
            this.look = look;
            this.found = found;
        }

        @Override
        public boolean handle(InstanceActor actor, Drain drain) {
            for (SignalWait wait : actor.state().signalWaits()) {
                Signal signal = found.get(wait.name());
                if (signal != null && done.add(wait.name())) {
                    actor.post(this);
                    return actor.decide(
                            new Event.SignalReceived(wait.activation(), signal.id(), signal.data(), clock.instant()),
                            Map.of());
                }
            }
            if (!look.expired.isEmpty()) {
                Activation expired = look.expired.remove(look.expired.size() - 1);
                actor.post(this);
                return actor.decide(new Event.TimerFired(expired, clock.instant()), Map.of());
            }
            // A second wait of the same name may have a signal too.
            actor.state().signalWaits().stream()
                    .map(SignalWait::name)
                    .filter(done::contains)
                    .forEach(name -> look(actor, name, null));
            ended(actor);
            return true;
        }

        @Override
        public void dropped() {
            synchronized (SignalDelivery.this) {
                busy.remove(to);
                wanted.remove(to);
            }
        }
    }

    private void ended(InstanceActor actor) {
        boolean again;
        synchronized (this) {
            busy.remove(actor);
            again = wanted.containsKey(actor);
            actor.looksForSignals(again);
            if (again) {
                queue.add(actor.role(), actor.instance(), actor);
            }
        }
        if (again) {
            loop.wake();
        }
    }
}
