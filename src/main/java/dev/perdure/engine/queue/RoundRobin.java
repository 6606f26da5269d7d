package dev.perdure.engine.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** First in first out within a lane, and the lanes in turn. Not thread-safe. */
final class RoundRobin<K, T> {

    private final Map<K, Deque<T>> lanes = new LinkedHashMap<>();
    private int size;

    void add(K lane, T item) {
        lanes.computeIfAbsent(lane, k -> new ArrayDeque<>()).add(item);
        size++;
    }

    /** The item that {@link #poll} takes. */
    @Nullable T peek() {
        Iterator<Deque<T>> first = lanes.values().iterator();
        return first.hasNext() ? first.next().peek() : null;
    }

    @Nullable T poll() {
        Iterator<Map.Entry<K, Deque<T>>> first = lanes.entrySet().iterator();
        if (!first.hasNext()) {
            return null;
        }
        Map.Entry<K, Deque<T>> entry = first.next();
        K lane = entry.getKey();
        Deque<T> items = entry.getValue();
        T item = items.poll();
        size--;
        first.remove();
        if (!items.isEmpty()) {
            lanes.put(lane, items);
        }
        return item;
    }

    /** Takes everything out that a condition holds for. */
    List<T> removeIf(Predicate<T> condition) {
        List<T> removed = new ArrayList<>();
        lanes.values().removeIf(items -> {
            items.removeIf(item -> {
                boolean matches = condition.test(item);
                if (matches) {
                    removed.add(item);
                }
                return matches;
            });
            return items.isEmpty();
        });
        size -= removed.size();
        return removed;
    }

    int size() {
        return size;
    }
}
