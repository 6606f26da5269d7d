package dev.perdure.flow;

import dev.perdure.graph.Graph;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows below sections that wait for their slot. When an instance is redriven, completed nodes of such a section stay, and the section is
 * entered long after memory was loaded. A row counts for its own activation only, so a row that is kept for too long does no harm.
 */
final class RowsBelow {

    private Map<String, NodeRecord> rows = Map.of();

    @Nullable NodeRecord of(String nodeId) {
        return rows.get(nodeId);
    }

    void copy(RowsBelow other) {
        rows = other.rows;
    }

    /** Bytes that their results take in memory. */
    long bytes() {
        return rows.values().stream()
                .mapToLong(row -> row.result() == null ? 0 : row.result().length())
                .sum();
    }

    /**
     * Keeps the rows below sections that still wait, after a change of the running nodes.
     *
     * @param recorded what was loaded; null when that was before
     */
    void settle(Graph graph, Map<String, Running> running, @Nullable Map<String, NodeRecord> recorded) {
        Map<String, NodeRecord> known = recorded == null ? rows : recorded;
        if (known.isEmpty()) {
            return;
        }
        Map<String, NodeRecord> below = new HashMap<>();
        running.forEach((id, run) -> {
            boolean waits = run.isWaitedFor() && graph.node(id).awaitedSignal(run.stamp()) != null;
            Deque<String> open = new ArrayDeque<>(waits ? graph.children(id) : List.of());
            while (!open.isEmpty()) {
                String node = open.pop();
                NodeRecord row = known.get(node);
                if (row != null) {
                    below.put(node, row);
                }
                graph.children(node).forEach(open::push);
            }
        });
        rows = below.isEmpty() ? Map.of() : below;
    }
}
