package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run of a schedule.
 *
 * @param scheduledAt for when
 * @param deleted whether it is about to go
 */
record ScheduledRun(
        String name, Instant scheduledAt, @Nullable Phase phase, @Nullable Instant completedAt, boolean deleted) {

    static ScheduledRun of(DurableWorkflow resource) {
        return new ScheduledRun(
                resource.getMetadata().getName(),
                scheduledAt(resource),
                resource.getStatus() == null ? null : resource.getStatus().phase,
                resource.getStatus() == null || resource.getStatus().completedAt == null
                        ? null
                        : Instant.parse(resource.getStatus().completedAt),
                resource.isMarkedForDeletion());
    }

    /** What the schedule has written on it; somebody who changes that changes the order of the history. */
    private static Instant scheduledAt(DurableWorkflow resource) {
        Map<String, String> annotations = resource.getMetadata().getAnnotations();
        String written = annotations == null ? null : annotations.get(DurableSchedule.SCHEDULED_AT);
        Instant created = Instant.parse(resource.getMetadata().getCreationTimestamp());
        if (written == null) {
            return created;
        }
        try {
            return Instant.parse(written);
        } catch (DateTimeParseException e) {
            return created;
        }
    }

    boolean isActive() {
        return phase == null || !phase.isFinal();
    }
}
