package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.watch.ResourceKey;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jboss.logging.Logger;

/** Problems with resources: one log line for each new problem of each, and the pause before the next try. Thread-safe. */
@Singleton
class Complaints {

    private static final Logger LOG = Logger.getLogger(Complaints.class);
    private static final long FIRST_MILLIS = 500;
    private static final int DOUBLINGS = 6;

    private record Complaint(String problem, int times) {}

    private final Map<ResourceKey, Complaint> open = new HashMap<>();

    /** It failed; returns how long to pause. */
    synchronized Duration failed(ResourceKey key, String problem) {
        Complaint before = open.get(key);
        if (before == null || !before.problem().equals(problem)) {
            LOG.warnf("%s waits, and is tried again: %s", key, problem);
        }
        int times = before == null ? 0 : Math.min(before.times() + 1, DOUBLINGS);
        open.put(key, new Complaint(problem, times));
        return Duration.ofMillis(FIRST_MILLIS << times);
    }

    /** Somebody changed the resource in between: an ordinary thing, unless it goes on. */
    synchronized Duration conflict(ResourceKey key) {
        Complaint before = open.get(key);
        int times = before == null ? 0 : Math.min(before.times() + 1, DOUBLINGS);
        open.put(key, new Complaint(before == null ? "" : before.problem(), times));
        return Duration.ofMillis((FIRST_MILLIS << times) / 5);
    }

    synchronized boolean has(ResourceKey key) {
        return open.containsKey(key);
    }

    synchronized void done(ResourceKey key) {
        Complaint before = open.remove(key);
        if (before != null && !before.problem().isEmpty()) {
            LOG.infof("%s waits no longer", key);
        }
    }

    synchronized void forget(ResourceKey key) {
        open.remove(key);
    }
}
