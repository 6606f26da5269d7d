package dev.perdure.engine.actor;

import dev.perdure.flow.Checkpoint;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What one checkpoint is to say.
 *
 * @param role oid of the submitter
 * @param version that it takes
 * @param checkpoints what was decided, in order; several when steps share a transaction; none to claim the version only
 * @param atLeastOnce nodes whose effect happened outside of a transaction, with the reason
 * @param superseded versions whose rows say nothing any more
 * @param parking how long the instance waits from now on
 * @param startedAt when the instance was taken up
 * @param isCancelled whether it winds up a cancelled instance
 * @param isMarked whether the instance may have rows that mark it as running
 */
public record CheckpointDraft(
        String instance,
        long role,
        int version,
        List<Checkpoint> checkpoints,
        Map<String, String> atLeastOnce,
        List<Integer> superseded,
        Parking parking,
        Instant startedAt,
        boolean isCancelled,
        boolean isMarked) {}
