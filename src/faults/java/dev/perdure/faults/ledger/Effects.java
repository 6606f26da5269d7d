package dev.perdure.faults.ledger;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What one instance left in the ledger: how often each of its steps took effect. */
final class Effects {

    private final Map<String, Integer> counts = new HashMap<>();
    private final Map<String, Set<String>> keys = new HashMap<>();
    private final Set<String> unread = new TreeSet<>();
    private boolean redriven;

    void add(String step, int times) {
        counts.merge(step, times, Integer::sum);
        unread.add(step);
    }

    /** A request of a step has arrived with this key. */
    void called(String step, String key) {
        keys.computeIfAbsent(step, s -> new TreeSet<>()).add(key);
        unread.add(step);
    }

    /** The keys that requests of a step came with. */
    Set<String> keys(String step) {
        unread.remove(step);
        return keys.getOrDefault(step, Set.of());
    }

    /** Its instance may have been redriven. */
    void redriven() {
        redriven = true;
    }

    boolean isRedriven() {
        return redriven;
    }

    /** How often a step took effect. */
    int of(String step) {
        unread.remove(step);
        return counts.getOrDefault(step, 0);
    }

    boolean isEmpty() {
        return counts.isEmpty() && keys.isEmpty();
    }

    /** Steps that nobody has asked for: no workflow has them. */
    Set<String> unread() {
        return unread;
    }

    @Override
    public String toString() {
        return keys.isEmpty() ? counts.toString() : counts + ", requests " + keys;
    }
}
