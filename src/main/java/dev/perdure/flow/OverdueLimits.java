package dev.perdure.flow;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Limits whose time was over when a decision entered them. What runs below them by then would have run before what follows from that, had there
 * been no crash: so its stamps are remembered.
 */
final class OverdueLimits {

    private final List<Activation> limits = new ArrayList<>();
    private final Map<String, String> found = new HashMap<>();
    private final Function<String, @Nullable Running> running;

    /** @param running what runs of a node by now */
    OverdueLimits(Function<String, @Nullable Running> running) {
        this.running = running;
    }

    void add(Activation limit) {
        limits.add(limit);
    }

    boolean isEmpty() {
        return limits.isEmpty();
    }

    void remove(Activation limit) {
        limits.remove(limit);
    }

    /**
     * The first that was over comes first; of several at once the outermost, which was entered first. But before them those of which the
     * rows say that they were over, the innermost first: what came of that may be in the rows too.
     */
    Activation next() {
        for (int i = limits.size() - 1; i >= 0; i--) {
            if (isKnownToBeOver(limits.get(i))) {
                return limits.get(i);
            }
        }
        return limits.stream().min(Comparator.comparing(this::due)).orElseThrow();
    }

    /** Whether the rows say so, and not the clock. */
    boolean isKnownToBeOver(Activation limit) {
        return !due(limit).isAfter(Instant.EPOCH);
    }

    private Instant due(Activation limit) {
        Running run = running.apply(limit.nodeId());
        return run == null || run.wakeAt() == null ? Instant.MAX : run.wakeAt();
    }

    /** What runs by now may have run before. */
    void settle(Map<String, @Nullable Running> all) {
        all.forEach((node, run) -> {
            if (run != null) {
                found.put(node, run.stamp());
            }
        });
    }

    /** Whether an activation may have run before. */
    boolean hasFound(String nodeId, String stamp) {
        return stamp.equals(found.get(nodeId));
    }
}
