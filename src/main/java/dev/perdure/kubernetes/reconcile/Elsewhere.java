package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.api.Phase;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceKind;
import dev.perdure.kubernetes.watch.ServerClock;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;

/**
 * Resources that belong to another database. The worker that is connected to it has to do with them, and this one leaves them
 * alone; where it does not seem to be there, this one says in them why nothing happens.
 */
@Singleton
class Elsewhere {

    /** A worker that is there has said something by then. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** A deployment that begins has claimed its name by then. */
    private static final Duration PATIENCE_WITH_NOBODY = Duration.ofSeconds(30);

    private static final Set<String> OURS = Set.of(Reason.OTHER_DATABASE, Reason.UNKNOWN_WORKER);

    private static final Duration LOOK_AGAIN = Duration.ofMinutes(1);

    private final Writer writer;
    private final Events events;
    private final ServerClock clock;

    Elsewhere(Writer writer, Events events, ServerClock clock) {
        this.writer = writer;
        this.events = events;
        this.clock = clock;
    }

    /** Says in a resource that names nobody's worker why nothing happens. */
    Outcome nobodys(Resource resource, String problem) throws ApiException {
        if (resource.isDeleting() || !isUntouched(resource)) {
            return Outcome.DONE;
        }
        Instant now = clock.instant();
        Duration left = PATIENCE_WITH_NOBODY.minus(Duration.between(resource.createdAt(), now));
        if (!left.isNegative() && !left.isZero()) {
            return Outcome.again(left.plusMillis(1));
        }
        if (say(resource, Reason.UNKNOWN_WORKER, problem, now)) {
            events.warning(resource, Reason.UNKNOWN_WORKER, problem);
        }
        return Outcome.again(LOOK_AGAIN);
    }

    Outcome look(Resource resource, String problem) throws ApiException {
        if (!resource.isDeleting() && !isUntouched(resource)) {
            return Outcome.DONE;
        }
        Instant now = clock.instant();
        Instant since = resource.isDeleting() ? resource.deletedAt() : resource.createdAt();
        Duration left = PATIENCE.minus(Duration.between(since, now));
        if (!left.isNegative() && !left.isZero()) {
            return Outcome.again(left.plusMillis(1));
        }
        if (resource.isDeleting()) {
            events.warning(
                    resource, Reason.OTHER_DATABASE, "the instance cannot be cancelled: " + problem + Deletion.WAY_OUT);
        } else {
            events.warning(resource, Reason.OTHER_DATABASE, problem);
            say(resource, Reason.OTHER_DATABASE, problem, now);
        }
        return Outcome.again(LOOK_AGAIN);
    }

    /** Whether nobody has written anything in it, or only this class has. */
    private static boolean isUntouched(Resource resource) {
        for (var condition : resource.status().path("conditions")) {
            if (!OURS.contains(condition.path("reason").asText())) {
                return false;
            }
        }
        return resource.status().path("instanceId").isMissingNode();
    }

    /** Answers whether that is new. */
    private boolean say(Resource resource, String reason, String problem, Instant now) throws ApiException {
        if (resource.key().kind() == ResourceKind.WORKFLOW) {
            StatusDraft draft = new StatusDraft(resource, now);
            draft.condition("Submitted", false, reason, problem);
            draft.phase(Phase.PENDING, reason, problem);
            if (draft.isChanged()) {
                writer.status(resource, draft.document(), StatusDraft.MEMBERS);
            }
            return draft.isChanged();
        } else {
            ScheduleDraft draft = new ScheduleDraft(resource, now);
            draft.stalled(reason, problem);
            if (draft.isChanged()) {
                writer.status(resource, draft.document(), ScheduleDraft.MEMBERS);
            }
            return draft.isChanged();
        }
    }
}
