package dev.perdure.engine;

import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The instances in memory, by id. Thread-safe. */
final class LiveInstances {

    private final Map<String, LiveInstance> instances = new ConcurrentHashMap<>();
    private @Nullable Set<String> leftDuringLoad;

    @Nullable LiveInstance get(String id) {
        return instances.get(id);
    }

    boolean contains(String id) {
        return instances.containsKey(id);
    }

    int size() {
        return instances.size();
    }

    Collection<LiveInstance> all() {
        return instances.values();
    }

    /** A load begins: what leaves memory from now on is older in the rows that it reads. One load at a time. */
    synchronized void loadBegins() {
        leftDuringLoad = new HashSet<>();
    }

    /**
     * Adds an instance that the current load has read.
     *
     * @return false when it is in memory already, or was until a moment ago, so that the rows read may be outdated
     */
    synchronized boolean add(LiveInstance instance) {
        if (leftDuringLoad != null && leftDuringLoad.contains(instance.id())) {
            return false;
        }
        return instances.putIfAbsent(instance.id(), instance) == null;
    }

    synchronized void loadEnds() {
        leftDuringLoad = null;
    }

    /** Takes an instance out of memory. */
    synchronized void remove(LiveInstance instance) {
        if (instances.remove(instance.id(), instance) && leftDuringLoad != null) {
            leftDuringLoad.add(instance.id());
        }
        instance.leave();
    }
}
