package dev.perdure.kubernetes.watch;

import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableWorkflow;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The part of a watched resource that is kept: as much as decides whether it concerns this worker, and all that a schedule has
 * to know of its runs. The document itself only while it is small; a large one is read again when it is looked at.
 *
 * @param isHeld whether it has our finalizer
 * @param controllerUid the UID of the schedule whose run it is
 * @param scheduledAt for when the run was scheduled; the time of its creation where nothing is said
 */
public record Seen(
        ResourceKey key,
        String uid,
        String version,
        String worker,
        boolean isDeleting,
        boolean isHeld,
        @Nullable String controllerUid,
        Instant scheduledAt,
        @Nullable String phase,
        @Nullable Instant completedAt,
        int bytes,
        @Nullable Resource resource) {

    /** Documents up to this size are kept. */
    static final int SMALL = 16 * 1024;

    /**
     * @param bytes the size of the document as text
     */
    static Seen of(Resource resource, int bytes) {
        Instant written = Resource.time(resource.annotation(DurableSchedule.SCHEDULED_AT));
        return new Seen(
                resource.key(),
                resource.uid(),
                resource.version(),
                resource.worker(),
                resource.isDeleting(),
                resource.finalizers().contains(DurableWorkflow.FINALIZER),
                resource.controllerUid(),
                written == null ? resource.createdAt() : written,
                resource.status().path("phase").textValue(),
                Resource.time(resource.status().path("completedAt").textValue()),
                bytes,
                bytes <= SMALL ? resource : null);
    }

    Seen withoutDocument() {
        return new Seen(
                key,
                uid,
                version,
                worker,
                isDeleting,
                isHeld,
                controllerUid,
                scheduledAt,
                phase,
                completedAt,
                bytes,
                null);
    }

    /** Whether this is an earlier state of the same resource. Versions of one kind grow. */
    boolean isBefore(Seen other) {
        return uid.equals(other.uid)
                && (version.length() != other.version.length()
                        ? version.length() < other.version.length()
                        : version.compareTo(other.version) < 0);
    }
}
