package dev.perdure.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongPredicate;

/**
 * How much of memory each role's instances take. What a role starts never takes more than half of what the others leave,
 * and what goes on (timers, signals, take-overs) not more than three quarters, so that there is room for the next role
 * however many instances one has, and room for what goes on however many it starts (ADR 53). Not thread-safe.
 */
final class Room {

    /** A role that was full is let in again once it has this much less: not for each instance that ends. */
    private static final int STEP_DOWN = 8;

    private final int places;
    private final Map<Long, Integer> taken = new HashMap<>();
    private final Set<Long> full = new HashSet<>();
    private int total;

    /**
     * Empty room.
     *
     * @param places how many instances it has place for
     */
    Room(int places) {
        this.places = places;
    }

    private Room(Room other) {
        places = other.places;
        taken.putAll(other.taken);
        total = other.total;
    }

    void enter(long role) {
        taken.merge(role, 1, Integer::sum);
        total++;
    }

    /**
     * An instance has left.
     *
     * @return whether there is room again that a role was refused
     */
    boolean leave(long role) {
        taken.computeIfPresent(role, (id, count) -> count > 1 ? count - 1 : null);
        total--;
        return !full.isEmpty()
                && full.removeIf(refused -> taken(refused) <= share(refused) * (STEP_DOWN - 1) / STEP_DOWN);
    }

    /**
     * For a number of instances that are to go on: asked for the role of each in turn, whether it may come in when all those
     * have that were admitted before.
     */
    LongPredicate admission() {
        Room planned = new Room(this);
        return planned::admit;
    }

    private boolean admit(long role) {
        int left = left(role);
        if (total >= places || taken(role) >= left - left / 4) {
            return false;
        }
        enter(role);
        return true;
    }

    /** The roles of which nothing new may come in; {@link #leave} tells when one of them may again. */
    List<Long> full() {
        for (Long role : taken.keySet()) {
            if (taken(role) >= share(role)) {
                full.add(role);
            }
        }
        return new ArrayList<>(full);
    }

    /** Whether so much is taken, by all or by this role, that what only waits should leave. */
    boolean isCrowded(long role) {
        return total > places / 2 || taken(role) > share(role) / 2;
    }

    private int taken(Long role) {
        return taken.getOrDefault(role, 0);
    }

    private int share(Long role) {
        return (left(role) + 1) / 2;
    }

    /** What the others leave. */
    private int left(Long role) {
        return Math.max(0, places - (total - taken(role)));
    }
}
