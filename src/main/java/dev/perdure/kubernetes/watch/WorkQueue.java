package dev.perdure.kubernetes.watch;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The queue of resources to look at: each by one thread at a time, namespaces in turn, and never so many of one namespace that
 * nothing is left for the others. Thread-safe.
 */
public final class WorkQueue {

    /** Looks at a resource. */
    public interface Handler {
        /** Returns when to look again even if nothing happens; null for never. Must not throw. */
        @Nullable Duration handle(ResourceKey key);
    }

    private static final Duration AFTER_AN_ERROR = Duration.ofMinutes(1);

    /** A resource that is due later is looked at in between, and put off again. */
    private static final Duration FURTHEST = Duration.ofHours(1);

    private record Entry(ResourceKey key, long due) {}

    private final int threads;
    private final int ofOneNamespace;
    private final Handler handler;
    private final Map<ResourceKey, Entry> scheduled = new HashMap<>();
    private final Queue<Entry> byTime = new PriorityQueue<>(Comparator.comparingLong(Entry::due));
    private final Map<String, ArrayDeque<ResourceKey>> ready = new LinkedHashMap<>();
    private final Set<ResourceKey> waiting = new HashSet<>();
    private final Set<ResourceKey> running = new HashSet<>();
    private final Set<ResourceKey> again = new HashSet<>();
    private final Map<String, Integer> runningByNamespace = new HashMap<>();
    private final List<Thread> started = new ArrayList<>();
    private boolean ended;

    /**
     * @param threads how many resources are looked at at a time
     * @param ofOneNamespace how many of these may be of one namespace
     */
    public WorkQueue(int threads, int ofOneNamespace, Handler handler) {
        this.threads = threads;
        this.ofOneNamespace = ofOneNamespace;
        this.handler = handler;
    }

    public synchronized void start() {
        for (int i = 0; i < threads; i++) {
            begin("perdure-kubernetes-" + i);
        }
    }

    private void begin(String name) {
        Thread thread = new Thread(this::run, name);
        thread.setDaemon(true);
        started.add(thread);
        thread.start();
    }

    /** Looks at nothing more. Does not wait for what is being looked at. */
    public synchronized void stop() {
        ended = true;
        started.forEach(Thread::interrupt);
        notifyAll();
    }

    /** Looks at resources as soon as possible. */
    public synchronized void add(Collection<ResourceKey> keys) {
        keys.forEach(this::now);
        notifyAll();
    }

    /** The number of resources that are due now. */
    public synchronized int size() {
        return waiting.size();
    }

    private void now(ResourceKey key) {
        scheduled.remove(key);
        if (running.contains(key)) {
            again.add(key);
        } else if (waiting.add(key)) {
            ready.computeIfAbsent(key.namespace(), namespace -> new ArrayDeque<>())
                    .add(key);
        }
    }

    private void run() {
        try {
            for (ResourceKey key = take(); key != null; key = take()) {
                look(key);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the application ends
        }
    }

    private void look(ResourceKey key) {
        Duration after = AFTER_AN_ERROR;
        boolean complete = false;
        try {
            after = handler.handle(key);
            complete = true;
        } finally {
            done(key, after);
            if (!complete) {
                replace();
            }
        }
    }

    /** An {@link Error} ends this thread; another one goes on in its place. */
    private synchronized void replace() {
        Thread thread = Thread.currentThread();
        if (!ended && started.remove(thread)) {
            begin(thread.getName());
        }
    }

    private synchronized @Nullable ResourceKey take() throws InterruptedException {
        while (!ended) {
            long now = System.nanoTime();
            Entry first = byTime.peek();
            while (first != null && first.due() - now <= 0) {
                byTime.remove();
                if (scheduled.get(first.key()) == first) {
                    now(first.key());
                }
                first = byTime.peek();
            }
            ResourceKey key = next();
            if (key != null) {
                return key;
            }
            if (first == null) {
                wait();
            } else {
                wait(Math.max(1, (first.due() - now) / 1_000_000));
            }
        }
        return null;
    }

    /** Of the namespace whose turn it is. */
    private @Nullable ResourceKey next() {
        for (Iterator<Map.Entry<String, ArrayDeque<ResourceKey>>> lanes =
                        ready.entrySet().iterator();
                lanes.hasNext(); ) {
            Map.Entry<String, ArrayDeque<ResourceKey>> lane = lanes.next();
            if (runningByNamespace.getOrDefault(lane.getKey(), 0) >= ofOneNamespace) {
                continue;
            }
            ResourceKey key = lane.getValue().remove();
            lanes.remove();
            if (!lane.getValue().isEmpty()) {
                ready.put(lane.getKey(), lane.getValue());
            }
            waiting.remove(key);
            running.add(key);
            runningByNamespace.merge(key.namespace(), 1, Integer::sum);
            return key;
        }
        return null;
    }

    private synchronized void done(ResourceKey key, @Nullable Duration after) {
        running.remove(key);
        runningByNamespace.merge(key.namespace(), -1, Integer::sum);
        if (again.remove(key)) {
            now(key);
        } else if (after != null) {
            Duration pause = after.compareTo(FURTHEST) < 0 ? after : FURTHEST;
            Entry entry = new Entry(key, System.nanoTime() + pause.toNanos());
            scheduled.put(key, entry);
            byTime.add(entry);
        }
        notifyAll();
    }
}
