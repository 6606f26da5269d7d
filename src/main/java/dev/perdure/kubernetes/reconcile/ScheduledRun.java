package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.api.Phase;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.Seen;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A run of a schedule.
 *
 * @param scheduledAt for when
 * @param deleted whether it is about to go
 */
record ScheduledRun(
        ResourceKey key,
        String uid,
        Instant scheduledAt,
        @Nullable Phase phase,
        @Nullable Instant completedAt,
        boolean deleted) {

    static ScheduledRun of(Seen run) {
        return new ScheduledRun(
                run.key(), run.uid(), run.scheduledAt(), Phase.of(run.phase()), run.completedAt(), run.isDeleting());
    }

    String name() {
        return key.name();
    }

    boolean isActive() {
        return phase == null || !phase.isFinal();
    }
}
