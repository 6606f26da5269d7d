package dev.perdure.engine.sql;

import dev.perdure.engine.queue.MemoryQuota;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The first attempt of each role that waits for memory before it begins. Meanwhile the quota lets nothing else of the role in. Attempt and
 * claim change at once: a claim without an attempt would stay for ever. Thread-safe.
 */
final class MemoryClaims<T> {

    private final MemoryQuota memory;
    private final Map<Long, T> waiting = new ConcurrentHashMap<>();

    MemoryClaims(MemoryQuota memory) {
        this.memory = memory;
    }

    /** Claims memory for the first attempt of a role. */
    void waits(long role, T first) {
        waiting.compute(role, (same, before) -> {
            memory.claim(role, true);
            return first;
        });
    }

    /** Drops the claim of a role, whose first attempt has its memory. */
    void has(long role) {
        waiting.compute(role, (same, before) -> {
            memory.claim(role, false);
            return null;
        });
    }

    /**
     * Drops the claims of unwanted attempts.
     *
     * @return whether there may have been one: a thread that waits behind it does not know of that
     */
    boolean forget(Predicate<T> isUnwanted) {
        boolean isForgotten = false;
        for (Long role : List.copyOf(waiting.keySet())) {
            T left = waiting.computeIfPresent(role, (same, first) -> {
                if (!isUnwanted.test(first)) {
                    return first;
                }
                memory.claim(role, false);
                return null;
            });
            isForgotten |= left == null;
        }
        return isForgotten;
    }

    @Nullable T of(long role) {
        return waiting.get(role);
    }

    Collection<T> all() {
        return List.copyOf(waiting.values());
    }
}
