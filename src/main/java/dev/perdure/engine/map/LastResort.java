package dev.perdure.engine.map;

import java.util.HashSet;
import java.util.Set;

/**
 * The map of each role that goes on without memory: one at a time, so that maps that wait for each other's memory end all the same, and it
 * stays one item. Thread-safe.
 */
final class LastResort {

    private final Set<Long> taken = new HashSet<>();

    /** Takes it; false when another map of the role has it. */
    synchronized boolean take(long role) {
        return taken.add(role);
    }

    synchronized void give(long role) {
        taken.remove(role);
    }
}
