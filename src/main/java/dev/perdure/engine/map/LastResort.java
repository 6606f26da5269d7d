package dev.perdure.engine.map;

import java.util.HashSet;
import java.util.Set;

/**
 * Who goes on without memory: one map of each role at a time, so that those which wait for each other's memory end all the same, and that it
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
