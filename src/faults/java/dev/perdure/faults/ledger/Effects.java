package dev.perdure.faults.ledger;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What one instance left in the ledger: how often each of its steps took effect. */
final class Effects {

    private final Map<String, Integer> counts = new HashMap<>();
    private final Set<String> unread = new TreeSet<>();

    void add(String step, int times) {
        counts.merge(step, times, Integer::sum);
        unread.add(step);
    }

    /** How often a step took effect. */
    int of(String step) {
        unread.remove(step);
        return counts.getOrDefault(step, 0);
    }

    boolean isEmpty() {
        return counts.isEmpty();
    }

    /** Steps that nobody has asked for: no workflow has them. */
    Set<String> unread() {
        return unread;
    }

    @Override
    public String toString() {
        return counts.toString();
    }
}
