package dev.perdure.engine;

import dev.perdure.store.Candidate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongPredicate;

/**
 * Ids of instances that are to be loaded, each once. Roles take turns; those of one role stay in the order in which they
 * came. Thread-safe.
 */
final class IdQueue {

    /** By role, the one whose turn is next first. */
    private final Map<Long, Set<String>> ids = new LinkedHashMap<>();

    synchronized void add(Candidate candidate) {
        ids.computeIfAbsent(candidate.role(), role -> new LinkedHashSet<>()).add(candidate.id());
    }

    synchronized void addAll(Collection<Candidate> more) {
        more.forEach(this::add);
    }

    synchronized boolean isEmpty() {
        return ids.isEmpty();
    }

    /**
     * Takes the first ones out.
     *
     * @param admits asked before each one, with its role; a role that is refused keeps its ids
     */
    synchronized List<Candidate> poll(int limit, LongPredicate admits) {
        List<Candidate> taken = new ArrayList<>();
        Deque<Long> roles = new ArrayDeque<>(ids.keySet());
        while (taken.size() < limit && !roles.isEmpty()) {
            Long role = roles.remove();
            if (!admits.test(role)) {
                continue;
            }
            Set<String> waiting = ids.remove(role);
            Iterator<String> first = waiting.iterator();
            taken.add(new Candidate(first.next(), role));
            first.remove();
            if (!waiting.isEmpty()) {
                ids.put(role, waiting);
                roles.add(role);
            }
        }
        return taken;
    }
}
