package dev.perdure.engine.actor;

import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.flow.InstanceState;
import dev.perdure.session.SessionPools;
import dev.perdure.store.CheckpointRequest;
import org.jspecify.annotations.Nullable;

/**
 * An instance that was read and may run.
 *
 * @param definitionBytes that its definition takes in memory, with its variables or rows
 * @param isMarked whether rows say that it runs
 * @param home where it comes from
 * @param item what it is, when it is an item of a map; null for an instance
 */
public record LoadedState(
        InstanceOrigin origin,
        SessionPools.Key sessions,
        InstanceState state,
        Ledger ledger,
        long definitionBytes,
        boolean isMarked,
        Home home,
        CheckpointRequest.@Nullable Item item) {

    /** Bytes that an instance takes in memory beside its texts. */
    private static final long BASE = 6 * 1024;
    /** Bytes in memory for each byte of text: as text, as nodes, and as values made of them. */
    private static final int FACTOR = 4;

    /** Bytes that an instance takes in memory while it is read, by the bytes of its texts in the tables. */
    public static long footprint(long bytes) {
        return BASE + FACTOR * bytes;
    }
}
