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
 * Time limits that were over when a decision entered them. Without a crash, the nodes that run below them by then would have run before the
 * limits ended, so their stamps are remembered.
 */
final class OverdueLimits {

    private final List<Activation> limits = new ArrayList<>();
    private final Map<String, String> found = new HashMap<>();
    private final Function<String, @Nullable Running> running;

    /** @param running the running execution of a node, if there is one */
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
     * The next limit: first those whose rows say that they were over, the innermost first, since their consequences may be in the rows too;
     * then the one that was over first, and of several at once the outermost, which was entered first.
     */
    Activation next() {
        for (int i = limits.size() - 1; i >= 0; i--) {
            if (isKnownToBeOver(limits.get(i))) {
                return limits.get(i);
            }
        }
        return limits.stream().min(Comparator.comparing(this::due)).orElseThrow();
    }

    /** Whether the rows say that it was over, and not the clock. */
    boolean isKnownToBeOver(Activation limit) {
        return !due(limit).isAfter(Instant.EPOCH);
    }

    private Instant due(Activation limit) {
        Running run = running.apply(limit.nodeId());
        return run == null || run.wakeAt() == null ? Instant.MAX : run.wakeAt();
    }

    /** Remembers the stamps of all nodes that run by now: they may have run before. */
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
