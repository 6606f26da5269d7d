package dev.perdure.store;

import dev.perdure.flow.Checkpoint;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The contents of one checkpoint.
 *
 * @param version that it takes: the one after the version that it was decided on
 * @param checkpoints what was decided, in order; several when steps share a transaction; none to claim the version and say nothing
 * @param atLeastOnce nodes whose effect happened outside of a transaction, with the reason
 * @param superseded versions whose rows say nothing any more
 * @param park how the instance waits from now on
 * @param startedAt when the instance was taken up for the first time; null when that is not known
 * @param isCancelled whether it winds up a cancelled instance
 * @param isMarked whether the instance may have rows that mark it as running, which go when it ends
 * @param item the item that it is about; null when it is about the instance
 */
public record CheckpointRequest(
        String instance,
        int version,
        List<Checkpoint> checkpoints,
        Map<String, String> atLeastOnce,
        List<Integer> superseded,
        Park park,
        @Nullable Instant startedAt,
        boolean isCancelled,
        boolean isMarked,
        @Nullable Item item) {

    /**
     * The item of a map that is decided.
     *
     * @param root of its flow, whose end is the item's
     */
    public record Item(ItemKey key, String root) {}

    /** A checkpoint of an instance. */
    public CheckpointRequest(
            String instance,
            int version,
            List<Checkpoint> checkpoints,
            Map<String, String> atLeastOnce,
            List<Integer> superseded,
            Park park,
            @Nullable Instant startedAt,
            boolean isCancelled,
            boolean isMarked) {
        this(instance, version, checkpoints, atLeastOnce, superseded, park, startedAt, isCancelled, isMarked, null);
    }
}
