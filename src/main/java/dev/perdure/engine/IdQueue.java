package dev.perdure.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Ids of instances that are to be loaded, each once, in the order in which they came. Thread-safe. */
final class IdQueue {

    private final Set<String> ids = new LinkedHashSet<>();

    synchronized void add(String id) {
        ids.add(id);
    }

    synchronized void addAll(Collection<String> more) {
        ids.addAll(more);
    }

    synchronized boolean isEmpty() {
        return ids.isEmpty();
    }

    /** Takes the first ones out. */
    synchronized List<String> poll(int limit) {
        List<String> first = new ArrayList<>();
        Iterator<String> next = ids.iterator();
        while (next.hasNext() && first.size() < limit) {
            first.add(next.next());
            next.remove();
        }
        return first;
    }
}
