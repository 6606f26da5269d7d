package dev.perdure.engine;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Event;
import dev.perdure.flow.SignalWait;
import dev.perdure.store.InstanceStore.Signal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Brings signals to the waits of instances in memory. Whoever begins to wait asks for a look, and so does
 * {@link Intake} when a signal has come, so that either of the two finds the other. Looks of all instances are read
 * together; of one instance only one is under way, and the next begins when what the last one found is committed.
 */
final class SignalDelivery {

    private static final Logger LOG = Logger.getLogger(SignalDelivery.class);
    private static final int MAX_BATCH = 500;
    private static final long RETRY_MILLIS = 200;

    /** What is to be looked for: names, and waits whose deadline has passed, which end when nothing is found for them. */
    private static final class Look {
        private final Set<String> names = new LinkedHashSet<>();
        private final List<Activation> expired = new ArrayList<>();
    }

    private final TermContext context;
    private final Turns turns;
    private final Consumer<LiveInstance> reload;
    private final Map<LiveInstance, Look> wanted = new LinkedHashMap<>();
    private final Set<LiveInstance> busy = new HashSet<>();
    private boolean reading;

    /**
     * @param reload loads an instance again that has left memory while a signal for it was found
     */
    SignalDelivery(TermContext context, Turns turns, Consumer<LiveInstance> reload) {
        this.context = context;
        this.turns = turns;
        this.reload = reload;
    }

    /** Looks for a signal of that name. */
    void look(LiveInstance instance, String name) {
        look(instance, name, null);
    }

    /** Looks for the last time: a wait for which nothing is there has timed out. */
    void lookLast(LiveInstance instance, String name, Activation expired) {
        look(instance, name, expired);
    }

    /** A signal of that name has come for an instance that was in memory a moment ago. */
    void arrived(LiveInstance instance, String name) {
        instance.post(() -> {
            if (instance.isGone()) {
                reload.accept(instance);
            } else if (instance.state().signalWaits().stream()
                    .anyMatch(wait -> wait.name().equals(name))) {
                look(instance, name, null);
            }
            return true;
        });
    }

    /** Looks for whatever the instance waits for. */
    void lookAgain(LiveInstance instance) {
        instance.post(() -> {
            if (!instance.isGone()) {
                instance.state().signalWaits().forEach(wait -> look(instance, wait.name(), null));
            }
            return true;
        });
    }

    /** Whether a look for the instance is wanted or under way. */
    synchronized boolean isLooking(LiveInstance instance) {
        return wanted.containsKey(instance) || busy.contains(instance);
    }

    private void look(LiveInstance instance, String name, @Nullable Activation expired) {
        synchronized (this) {
            Look look = wanted.computeIfAbsent(instance, key -> new Look());
            look.names.add(name);
            if (expired != null) {
                look.expired.add(expired);
            }
        }
        read();
    }

    private void read() {
        Map<LiveInstance, Look> batch = new HashMap<>();
        List<String> ids = new ArrayList<>();
        List<String> names = new ArrayList<>();
        synchronized (this) {
            if (reading) {
                return;
            }
            for (Map.Entry<LiveInstance, Look> entry : wanted.entrySet()) {
                if (batch.size() < MAX_BATCH && !busy.contains(entry.getKey())) {
                    batch.put(entry.getKey(), entry.getValue());
                    for (String name : entry.getValue().names) {
                        ids.add(entry.getKey().id());
                        names.add(name);
                    }
                }
            }
            if (batch.isEmpty()) {
                return;
            }
            wanted.keySet().removeAll(batch.keySet());
            busy.addAll(batch.keySet());
            reading = true;
        }
        context.store().oldestSignals(ids, names).onComplete(answer -> context.deciders()
                .execute(() -> {
                    if (answer.succeeded()) {
                        deliver(batch, answer.result());
                    } else {
                        LOG.warnf("Looking for signals failed, trying again: %s", answer.cause());
                        context.scheduler().schedule(() -> putBack(batch), RETRY_MILLIS, TimeUnit.MILLISECONDS);
                    }
                }));
    }

    private void putBack(Map<LiveInstance, Look> batch) {
        synchronized (this) {
            reading = false;
            batch.forEach((instance, look) -> {
                busy.remove(instance);
                Look both = wanted.computeIfAbsent(instance, key -> new Look());
                both.names.addAll(look.names);
                both.expired.addAll(look.expired);
            });
        }
        read();
    }

    private void deliver(Map<LiveInstance, Look> batch, List<Signal> signals) {
        synchronized (this) {
            reading = false;
        }
        Map<String, Map<String, Signal>> found = new HashMap<>();
        signals.forEach(signal ->
                found.computeIfAbsent(signal.instance(), id -> new HashMap<>()).put(signal.name(), signal));
        batch.forEach((instance, look) -> {
            Map<String, Signal> ofInstance = found.getOrDefault(instance.id(), Map.of());
            instance.post(() -> next(instance, look, ofInstance, new HashSet<>()));
        });
        read();
    }

    /** One delivery or timeout a turn, since each can change what the instance waits for. */
    private boolean next(LiveInstance instance, Look look, Map<String, Signal> found, Set<String> done) {
        if (instance.isGone()) {
            ended(instance);
            if (!found.isEmpty()) {
                reload.accept(instance);
            }
            return true;
        }
        for (SignalWait wait : instance.state().signalWaits()) {
            Signal signal = found.get(wait.name());
            if (signal != null && done.add(wait.name())) {
                instance.post(() -> next(instance, look, found, done));
                return turns.decide(
                        instance, new Event.SignalReceived(wait.activation(), signal.id(), signal.data(), turns.now()));
            }
        }
        if (!look.expired.isEmpty()) {
            Activation expired = look.expired.remove(look.expired.size() - 1);
            instance.post(() -> next(instance, look, found, done));
            return turns.decide(instance, new Event.TimerFired(expired, turns.now()));
        }
        // A second wait of the same name may have a signal too.
        instance.state().signalWaits().stream()
                .map(SignalWait::name)
                .filter(done::contains)
                .forEach(name -> look(instance, name, null));
        ended(instance);
        turns.rest(instance);
        return true;
    }

    private void ended(LiveInstance instance) {
        synchronized (this) {
            busy.remove(instance);
            if (instance.isGone()) {
                wanted.remove(instance);
            }
        }
        read();
    }
}
