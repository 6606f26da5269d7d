package dev.perdure.flow;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How memory advances when a decision was committed. Opaque: {@link InstanceState#apply} is its only reader. */
public final class StateDelta {

    static final StateDelta NONE = new StateDelta(-1, Map.of(), Map.of(), Map.of(), new Names(), false);

    /** The state that this was decided on, as {@link InstanceState} counts them. */
    final long basis;
    /** Nodes that run; null where a node no longer does. */
    final Map<String, @Nullable Running> running;

    final Map<String, KnownRow> rows;
    /** Frames that are open; null where one was closed. */
    final Map<String, @Nullable Frame> frames;

    final Names names;
    final boolean ends;

    StateDelta(
            long basis,
            Map<String, @Nullable Running> running,
            Map<String, KnownRow> rows,
            Map<String, @Nullable Frame> frames,
            Names names,
            boolean ends) {
        this.basis = basis;
        this.running = running;
        this.rows = rows;
        this.frames = frames;
        this.names = names;
        this.ends = ends;
    }
}
