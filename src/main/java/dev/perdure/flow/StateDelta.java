package dev.perdure.flow;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The change of memory once a decision is committed. Opaque: {@link InstanceState#apply} is its only reader. */
public final class StateDelta {

    static final StateDelta NONE = new StateDelta(-1, Map.of(), Map.of(), Map.of(), new Names(), Map.of(), null, false);

    /** The state that this was decided on, as {@link InstanceState} counts them. */
    final long basis;
    /** Nodes that run; null where a node no longer does. */
    final Map<String, @Nullable Running> running;

    final Map<String, KnownRow> rows;
    /** Frames that are open; null where one was closed. */
    final Map<String, @Nullable Frame> frames;

    final Names names;
    /** Undos by their numbers. */
    final Map<Integer, Undo> undos;
    /** The reason, when the instance is cancelled and undoes something before it ends. */
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
