package dev.perdure.engine.sql;

import dev.perdure.engine.queue.MemoryQuota;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * By role what waits for memory before it begins; the quota knows that, and lets nothing else of the role in meanwhile. Both are changed
 * at once: a claim that nobody here knows of would be there for ever. Thread-safe.
 */
final class MemoryClaims<T> {

    private final MemoryQuota memory;
    private final Map<Long, T> waiting = new ConcurrentHashMap<>();

    MemoryClaims(MemoryQuota memory) {
        this.memory = memory;
    }

    /** The first of a role waits for memory. */
    void waits(long role, T first) {
        waiting.compute(role, (same, before) -> {
            memory.claim(role, true);
            return first;
        });
    }

    /** The first of a role has its memory. */
    void has(long role) {
        waiting.compute(role, (same, before) -> {
            memory.claim(role, false);
            return null;
        });
    }

    /**
     * Forgets those that are not wanted any more.
     *
     * @return whether there was one: who waits behind it knows nothing of that
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
