package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.api.DeletionPolicy;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.manifest.Place;
import dev.perdure.kubernetes.submit.Acceptance;
import dev.perdure.kubernetes.submit.Acceptance.Accepted;
import dev.perdure.kubernetes.submit.Acceptance.Refused;
import dev.perdure.kubernetes.submit.Admission;
import dev.perdure.kubernetes.submit.InstanceWatch;
import dev.perdure.kubernetes.submit.OperatorTerm;
import dev.perdure.kubernetes.submit.SubmissionProblem;
import dev.perdure.kubernetes.submit.WorkflowSpec;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ServerClock;
import dev.perdure.store.InvalidExpressionException;
import dev.perdure.store.Submission;
import dev.perdure.store.SubmittedInstance;
import dev.perdure.store.SubmittedInstances.Wanted;
import jakarta.inject.Singleton;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Brings a DurableWorkflow and its instance together: submits it, exactly once because its UID is the idempotency key, shows its progress
 * in its status, and cancels. It is held by a finalizer only from just before the submission until the end, and only where deleting it has
 * to cancel something: whatever else is deleted goes without this worker.
 */
@Singleton
class WorkflowReconciler {

    static final Place SPEC = new Place("spec");
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

    private final Admission admission;
    private final InstanceWatch watch;
    private final Writer writer;
    private final Events events;
    private final ServerClock clock;

    WorkflowReconciler(Admission admission, InstanceWatch watch, Writer writer, Events events, ServerClock clock) {
        this.admission = admission;
        this.watch = watch;
        this.writer = writer;
        this.events = events;
        this.clock = clock;
    }

    Outcome reconcile(Resource resource, OperatorTerm term) throws ApiException {
        WorkflowSpec spec = WorkflowSpec.read(resource.spec(), SPEC);
        StatusDraft draft = new StatusDraft(resource, clock.instant());
        if (draft.isFinal() && !watch.contradicts(resource)) {
            draft.repeatEnd();
            return finish(resource, spec, draft);
        }
        draft.reopen();
        return new Pass(resource, spec, draft, term).advance();
    }

    /** Nothing follows: the status is written, the resource is let go, and deleted when its time is over. */
    private Outcome finish(Resource resource, WorkflowSpec spec, StatusDraft draft) throws ApiException {
        Resource written = write(resource, draft);
        writer.release(written);
        if (written == resource) {
            watch.verify(resource, spec.fields().role);
        }
        Long seconds = spec.fields().ttlSecondsAfterFinished;
        Instant completedAt = draft.completedAt();
        if (seconds == null || completedAt == null) {
            return Outcome.DONE;
        }
        Duration left = Duration.between(clock.instant(), Times.after(completedAt, seconds));
        if (!left.isNegative() && !left.isZero()) {
            return Outcome.again(left.plusMillis(1));
        }
        writer.delete(resource.key(), resource.uid());
        return Outcome.DONE;
    }

    private Resource write(Resource resource, StatusDraft draft) throws ApiException {
        return draft.isChanged() ? writer.status(resource, draft.document(), StatusDraft.MEMBERS) : resource;
    }

    /** One look at a resource whose end is not known. */
    private final class Pass {

        private Resource resource;
        private final WorkflowSpec spec;
        private final StatusDraft draft;
        private final OperatorTerm term;
        private final Wanted wanted;

        Pass(Resource resource, WorkflowSpec spec, StatusDraft draft, OperatorTerm term) {
            this.resource = resource;
            this.spec = spec;
            this.draft = draft;
            this.term = term;
            this.wanted = new Wanted(resource.uid(), spec.fields().role);
        }

        Outcome advance() throws ApiException {
            Outcome outcome;
            try {
                outcome = bringTogether();
            } catch (SQLException e) {
                outcome = wait(SubmissionProblem.of(e));
            }
            if (draft.status().phase != null && draft.status().phase.isFinal()) {
                watch.forget(resource.uid());
                return finish(resource, spec, draft);
            }
            resource = write(resource, draft);
            return outcome;
        }

        private Outcome bringTogether() throws SQLException, ApiException {
            Optional<SubmittedInstance> instance = term.instances().find(wanted);
            if (instance.isEmpty()) {
                Outcome outcome = submit();
                if (outcome != null) {
                    return outcome;
                }
                instance = term.instances().find(wanted);
            }
            if (instance.isEmpty()) {
                // Deleted between two statements: retention with no time at all, or by hand.
                draft.end(Phase.FAILED, Reason.INSTANCE_GONE, "the instance is gone");
                return Outcome.DONE;
            }
            return observe(instance.get());
        }

        /** Returns null when there is an instance now; otherwise the draft says why not. */
        private @Nullable Outcome submit() throws SQLException, ApiException {
            if (draft.wasSubmitted()) {
                draft.end(
                        Phase.FAILED,
                        Reason.INSTANCE_GONE,
                        "instance " + draft.status().instanceId + " is gone: it was deleted, or its role was");
                return Outcome.DONE;
            }
            if (Boolean.TRUE.equals(spec.fields().cancel)) {
                draft.end(Phase.CANCELLED, Reason.CANCELLED, "cancelled before it was submitted");
                return Outcome.DONE;
            }
            Acceptance acceptance = admission.decide(resource.key(), resource.uid(), spec);
            if (acceptance instanceof Refused refused) {
                return refuse(refused.reason(), refused.message());
            }
            Submission submission = ((Accepted) acceptance).submission();
            hold();
            try {
                String id = term.sessions().start(submission);
                events.normal(resource, Reason.SUBMITTED, "instance " + id);
                return null;
            } catch (InvalidExpressionException e) {
                return refuse(Reason.INVALID_DEFINITION, "spec.expression: " + e.getMessage());
            } catch (SQLException e) {
                SubmissionProblem problem = SubmissionProblem.of(e);
                if (problem.isFinal()) {
                    String place = submission.expression() ? "spec.expression: " : "spec: ";
                    return refuse(problem.reason(), place + problem.message());
                }
                draft.condition("Accepted", true, Reason.ACCEPTED, "the definition is valid");
                return wait(problem);
            }
        }

        private void hold() throws ApiException {
            resource = spec.fields().deletionPolicy == DeletionPolicy.ORPHAN
                    ? writer.release(resource)
                    : writer.hold(resource);
        }

        private Outcome observe(SubmittedInstance found) throws SQLException, ApiException {
            if (spec.problem() == null) {
                draft.condition("Accepted", true, Reason.ACCEPTED, "the definition is valid");
            } else {
                draft.condition("Accepted", false, Reason.INVALID_DEFINITION, spec.problem());
            }
            draft.observe(found);
            String message = draft.status().message;
            if (found.hasEnded()) {
                switch (found.status()) {
                    case "completed" -> events.normal(resource, Reason.COMPLETED, message);
                    case "failed" -> events.warning(resource, Reason.FAILED, message);
                    default -> events.normal(resource, Reason.CANCELLED, message);
                }
                return Outcome.DONE;
            }
            hold();
            watch.track(resource, spec.fields().role, found);
            if (Boolean.TRUE.equals(spec.fields().cancel)) {
                term.instances().cancel(wanted, "cancelled in Kubernetes");
                return Outcome.again(LOOK_AGAIN);
            }
            Optional<Instant> deadline = Deadline.of(spec.fields(), found);
            if (deadline.isEmpty()) {
                return Outcome.DONE;
            }
            Duration left = Duration.between(clock.instant(), deadline.get());
            if (left.isNegative() || left.isZero()) {
                term.instances().cancel(wanted, Deadline.REASON);
                return Outcome.again(LOOK_AGAIN);
            }
            return Outcome.again(left.plusMillis(1));
        }

        private Outcome refuse(String reason, String message) {
            draft.condition("Accepted", false, reason, message);
            draft.end(Phase.FAILED, reason, message);
            events.warning(resource, reason, message);
            return Outcome.DONE;
        }

        private Outcome wait(SubmissionProblem problem) {
            if (!draft.wasSubmitted()) {
                draft.condition("Submitted", false, problem.reason(), problem.message());
                draft.phase(Phase.PENDING, problem.reason(), problem.message());
            }
            events.warning(resource, problem.reason(), problem.message());
            return Outcome.failed(problem.message());
        }
    }
}
