package dev.perdure.kubernetes;

import dev.perdure.kubernetes.Acceptance.Accepted;
import dev.perdure.kubernetes.Acceptance.Refused;
import dev.perdure.kubernetes.api.DeletionPolicy;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.DurableWorkflowSpec;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.store.InvalidExpressionException;
import dev.perdure.store.Submission;
import dev.perdure.store.SubmittedInstance;
import dev.perdure.store.SubmittedInstances.Wanted;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Cleaner;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.retry.GradualRetry;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Brings a DurableWorkflow and its instance together: submits it, exactly once because its UID is the idempotency key, shows in
 * its status what happens, cancels, and deletes.
 */
@ControllerConfiguration(
        name = "durableworkflows",
        finalizerName = DurableWorkflowReconciler.FINALIZER,
        fieldManager = DurableWorkflowReconciler.FIELD_MANAGER,
        informer = @Informer(genericFilter = OursFilter.class))
@GradualRetry(maxAttempts = Integer.MAX_VALUE, initialInterval = 500, intervalMultiplier = 2, maxInterval = 30_000)
public class DurableWorkflowReconciler implements Reconciler<DurableWorkflow>, Cleaner<DurableWorkflow> {

    static final String FINALIZER = DurableWorkflow.GROUP + "/instance";
    static final String FIELD_MANAGER = "perdure";

    private static final Duration TRY_AGAIN = Duration.ofSeconds(5);
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

    private final Admission admission;
    private final CurrentTerm current;
    private final InstanceWatch watch;
    private final Clock clock = Clock.systemUTC();

    DurableWorkflowReconciler(Admission admission, CurrentTerm current, InstanceWatch watch) {
        this.admission = admission;
        this.current = current;
        this.watch = watch;
    }

    @Override
    public List<EventSource<?, DurableWorkflow>> prepareEventSources(EventSourceContext<DurableWorkflow> context) {
        return List.of(watch.renew());
    }

    @Override
    public UpdateControl<DurableWorkflow> reconcile(DurableWorkflow resource, Context<DurableWorkflow> context) {
        StatusDraft draft = new StatusDraft(resource, clock.instant());
        Duration again = draft.isFinal() ? null : advance(resource, draft, context);
        if (draft.status().phase != null && draft.status().phase.isFinal()) {
            watch.forget(resource);
            again = expire(resource, draft, context);
        }
        UpdateControl<DurableWorkflow> control =
                draft.isChanged() ? UpdateControl.patchStatus(withStatus(resource, draft)) : UpdateControl.noUpdate();
        return again == null ? control : control.rescheduleAfter(again);
    }

    /** Submits or observes; returns when to look again even if nothing happens. */
    private @Nullable Duration advance(DurableWorkflow resource, StatusDraft draft, Context<DurableWorkflow> context) {
        Wanted wanted = wanted(resource);
        try {
            OperatorTerm term = current.get();
            Optional<SubmittedInstance> instance = term.instances().find(wanted);
            if (instance.isEmpty() && !submit(term, resource, draft, context)) {
                return draft.status().phase == Phase.PENDING ? TRY_AGAIN : null;
            }
            SubmittedInstance found = instance.isPresent()
                    ? instance.get()
                    : term.instances().find(wanted).orElse(null);
            if (found == null) {
                // Deleted between two statements: retention with no time at all, or by hand.
                draft.end(Phase.FAILED, Reason.INSTANCE_GONE, "the instance is gone");
                return null;
            }
            return observe(term, resource, found, draft, context);
        } catch (SQLException e) {
            unavailable(resource, draft, context, SubmissionProblem.of(e));
            return TRY_AGAIN;
        }
    }

    /** Returns whether there is an instance now; otherwise the draft says why not. */
    private boolean submit(
            OperatorTerm term, DurableWorkflow resource, StatusDraft draft, Context<DurableWorkflow> context)
            throws SQLException {
        if (draft.wasSubmitted()) {
            draft.end(
                    Phase.FAILED,
                    Reason.INSTANCE_GONE,
                    "instance " + draft.status().instanceId + " is gone: it was deleted, or its role was");
            return false;
        }
        if (Boolean.TRUE.equals(resource.getSpec().cancel)) {
            draft.end(Phase.CANCELLED, Reason.CANCELLED, "cancelled before it was submitted");
            return false;
        }
        Acceptance acceptance = admission.decide(resource);
        if (acceptance instanceof Refused refused) {
            refuse(resource, draft, context, refused.reason(), refused.message());
            return false;
        }
        Submission submission = ((Accepted) acceptance).submission();
        try {
            String id = term.sessions().start(submission);
            say(resource, context, EventRecorder.NORMAL, Reason.SUBMITTED, "instance " + id);
            return true;
        } catch (InvalidExpressionException e) {
            refuse(resource, draft, context, Reason.INVALID_DEFINITION, "spec.expression: " + e.getMessage());
            return false;
        } catch (SQLException e) {
            SubmissionProblem problem = SubmissionProblem.of(e);
            if (problem.isFinal()) {
                String place = submission.expression() ? "spec.expression: " : "spec: ";
                refuse(resource, draft, context, problem.reason(), place + problem.message());
            } else {
                draft.condition("Accepted", true, Reason.ACCEPTED, "the definition is valid");
                unavailable(resource, draft, context, problem);
            }
            return false;
        }
    }

    private @Nullable Duration observe(
            OperatorTerm term,
            DurableWorkflow resource,
            SubmittedInstance found,
            StatusDraft draft,
            Context<DurableWorkflow> context)
            throws SQLException {
        draft.observe(found);
        if (found.hasEnded()) {
            switch (found.status()) {
                case "completed" ->
                    say(resource, context, EventRecorder.NORMAL, Reason.COMPLETED, draft.status().message);
                case "failed" -> say(resource, context, EventRecorder.WARNING, Reason.FAILED, draft.status().message);
                default -> say(resource, context, EventRecorder.NORMAL, Reason.CANCELLED, draft.status().message);
            }
            return null;
        }
        watch.track(resource, resource.getSpec().role, found);
        DurableWorkflowSpec spec = resource.getSpec();
        if (Boolean.TRUE.equals(spec.cancel)) {
            term.instances().cancel(wanted(resource), "cancelled in Kubernetes");
            return LOOK_AGAIN;
        }
        Optional<Instant> deadline = Deadline.of(spec, found);
        if (deadline.isEmpty()) {
            return null;
        }
        Duration left = Duration.between(clock.instant(), deadline.get());
        if (left.isNegative() || left.isZero()) {
            term.instances().cancel(wanted(resource), Deadline.REASON);
            return LOOK_AGAIN;
        }
        return left.plusMillis(1);
    }

    /** Deletes a resource whose time is over; returns when that will be. */
    private @Nullable Duration expire(DurableWorkflow resource, StatusDraft draft, Context<DurableWorkflow> context) {
        Long seconds = resource.getSpec().ttlSecondsAfterFinished;
        Instant completedAt = draft.completedAt();
        if (seconds == null || completedAt == null) {
            return null;
        }
        Duration left = Duration.between(clock.instant(), completedAt.plusSeconds(seconds));
        if (draft.isChanged()) {
            return left.isNegative() ? LOOK_AGAIN : left.plusMillis(1);
        }
        if (!left.isNegative() && !left.isZero()) {
            return left.plusMillis(1);
        }
        context.getClient().resource(resource).delete();
        return null;
    }

    @Override
    public DeleteControl cleanup(DurableWorkflow resource, Context<DurableWorkflow> context) {
        boolean letGo = isForced(resource)
                || resource.getSpec().deletionPolicy == DeletionPolicy.ORPHAN
                || new StatusDraft(resource, clock.instant()).isFinal();
        try {
            if (!letGo) {
                OperatorTerm term = current.get();
                Optional<SubmittedInstance> instance = term.instances().find(wanted(resource));
                if (instance.isPresent() && !instance.get().hasEnded()) {
                    term.instances().cancel(wanted(resource), "the DurableWorkflow was deleted");
                    watch.track(resource, resource.getSpec().role, instance.get());
                    return DeleteControl.noFinalizerRemoval().rescheduleAfter(LOOK_AGAIN);
                }
            }
        } catch (SQLException e) {
            say(
                    resource,
                    context,
                    EventRecorder.WARNING,
                    Reason.DATABASE_UNAVAILABLE,
                    "the instance cannot be cancelled: " + e.getMessage()
                            + ". If the database is gone for good, the annotation " + DurableWorkflow.FORCE_DELETE
                            + ": \"true\" lets the resource go");
            return DeleteControl.noFinalizerRemoval().rescheduleAfter(TRY_AGAIN);
        }
        watch.forget(resource);
        return DeleteControl.defaultDelete();
    }

    private static boolean isForced(DurableWorkflow resource) {
        return resource.getMetadata().getAnnotations() != null
                && "true".equals(resource.getMetadata().getAnnotations().get(DurableWorkflow.FORCE_DELETE));
    }

    private void refuse(
            DurableWorkflow resource,
            StatusDraft draft,
            Context<DurableWorkflow> context,
            String reason,
            String message) {
        draft.condition("Accepted", false, reason, message);
        draft.end(Phase.FAILED, reason, message);
        say(resource, context, EventRecorder.WARNING, reason, message);
    }

    private void unavailable(
            DurableWorkflow resource, StatusDraft draft, Context<DurableWorkflow> context, SubmissionProblem problem) {
        if (!draft.wasSubmitted()) {
            draft.condition("Submitted", false, problem.reason(), problem.message());
            draft.phase(Phase.PENDING, problem.reason(), problem.message());
        }
        say(resource, context, EventRecorder.WARNING, problem.reason(), problem.message());
    }

    private static void say(
            DurableWorkflow resource,
            Context<DurableWorkflow> context,
            String type,
            String reason,
            @Nullable String message) {
        EventRecorder.record(context.getClient(), resource, type, reason, message == null ? "" : message);
    }

    private static Wanted wanted(DurableWorkflow resource) {
        return new Wanted(resource.getMetadata().getUid(), resource.getSpec().role);
    }

    /**
     * Only what a server-side apply of the status needs. With the resource version: a status that was decided from an older
     * state of the resource must not win, such as that of a former leader.
     */
    private static DurableWorkflow withStatus(DurableWorkflow resource, StatusDraft draft) {
        DurableWorkflow patch = new DurableWorkflow();
        patch.setMetadata(new ObjectMetaBuilder()
                .withName(resource.getMetadata().getName())
                .withNamespace(resource.getMetadata().getNamespace())
                .withUid(resource.getMetadata().getUid())
                .withResourceVersion(resource.getMetadata().getResourceVersion())
                .build());
        patch.setSpec(null);
        patch.setStatus(draft.status());
        return patch;
    }
}
