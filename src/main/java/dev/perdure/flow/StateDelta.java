package dev.perdure.flow;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The change of memory once a decision is committed. Opaque: {@link InstanceState#apply} is its only reader. */
public final class StateDelta {

    static final StateDelta NONE = new StateDelta(-1, Map.of(), Map.of(), Map.of(), new Names(), Map.of(), null, false);

    /** The number of the state that it was decided on, as {@link InstanceState} counts them. */
    final long basis;
    /** Nodes that run; null for a node that no longer does. */
    final Map<String, @Nullable Running> running;

    final Map<String, KnownRow> rows;
    /** Open frames; null for a frame that was closed. */
    final Map<String, @Nullable Frame> frames;

    final Names names;
    /** Undos by their numbers. */
    final Map<Integer, Undo> undos;
    /** The reason of a cancel after which undos run before the end. */
    final @Nullable String cancelling;

    final boolean ends;

    StateDelta(
            long basis,
            Map<String, @Nullable Running> running,
            Map<String, KnownRow> rows,
            Map<String, @Nullable Frame> frames,
            Names names,
            Map<Integer, Undo> undos,
            @Nullable String cancelling,
            boolean ends) {
        this.basis = basis;
        this.running = running;
        this.rows = rows;
        this.frames = frames;
        this.names = names;
        this.undos = undos;
        this.cancelling = cancelling;
        this.ends = ends;
    }
}
