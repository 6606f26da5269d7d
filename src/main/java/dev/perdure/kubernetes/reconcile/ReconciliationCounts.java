package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.watch.ResourceKind;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts of reconciliations, by kind and by whether they failed. Thread-safe. */
@Singleton
public class ReconciliationCounts {

    private record Which(ResourceKind kind, boolean succeeded) {}

    private final Map<Which, LongAdder> counts = new ConcurrentHashMap<>();

    void count(ResourceKind kind, boolean succeeded) {
        counts.computeIfAbsent(new Which(kind, succeeded), which -> new LongAdder())
                .increment();
    }

    /** Those so far. */
    public long counted(ResourceKind kind, boolean succeeded) {
        LongAdder count = counts.get(new Which(kind, succeeded));
        return count == null ? 0 : count.sum();
    }
}
