package dev.perdure.kubernetes;

import dev.perdure.fleet.Databases;
import dev.perdure.kubernetes.watch.ResourceCache;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.Seen;
import dev.perdure.kubernetes.watch.WorkQueue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The resources that wait to be looked at, with threads for each database: one that hangs takes none from the others. */
final class WorkQueues {

    private static final int THREADS = 8;
    /** The threads of each database, with several of them. */
    private static final int THREADS_OF_ONE = 4;

    private final ResourceCache cache;
    /** By the worker name that resources name. */
    private final Map<String, WorkQueue> queues = new LinkedHashMap<>();
    /** Of names that are none of ours. */
    private final WorkQueue unknown;

    WorkQueues(Databases databases, ResourceCache cache, WorkQueue.Handler handler, WorkQueue.Handler ofUnknown) {
        this.cache = cache;
        this.unknown = new WorkQueue(1, 1, ofUnknown);
        int threads = databases.areSeveral() ? THREADS_OF_ONE : THREADS;
        databases
                .all()
                .forEach(one -> queues.put(one.options().workerName(), new WorkQueue(threads, threads / 2, handler)));
    }

    void start() {
        queues.values().forEach(WorkQueue::start);
        unknown.start();
    }

    void stop() {
        queues.values().forEach(WorkQueue::stop);
        unknown.stop();
    }

    /** Adds each resource to the queue of its worker; one that is gone, or is for another worker by now, to all of them. */
    void add(Collection<ResourceKey> keys) {
        Map<WorkQueue, List<ResourceKey>> parts = new LinkedHashMap<>();
        for (ResourceKey key : keys) {
            Seen seen = cache.get(key);
            WorkQueue own = seen == null ? null : queues.get(seen.worker());
            if (seen != null && own == null) {
                parts.computeIfAbsent(unknown, some -> new ArrayList<>()).add(key);
            }
            for (WorkQueue queue : own == null ? queues.values() : List.of(own)) {
                parts.computeIfAbsent(queue, some -> new ArrayList<>()).add(key);
            }
        }
        parts.forEach(WorkQueue::add);
    }

    int size() {
        return queues.values().stream().mapToInt(WorkQueue::size).sum();
    }
}
