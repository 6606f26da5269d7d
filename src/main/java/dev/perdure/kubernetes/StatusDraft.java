package dev.perdure.kubernetes;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.DurableWorkflowStatus;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.store.SubmittedInstance;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/** The next status of a resource: begins as the present one, and is compared with it in the end. */
final class StatusDraft {

    private static final JsonMapper JSON = new JsonMapper();
    private static final int LONGEST_RESULT = 4096;
    private static final int LONGEST_MESSAGE = 1024;

    private final DurableWorkflow resource;
    private final DurableWorkflowStatus before;
    private final DurableWorkflowStatus status;
    private final Instant now;

    StatusDraft(DurableWorkflow resource, Instant now) {
        this.resource = resource;
        this.before = resource.getStatus() == null ? new DurableWorkflowStatus() : resource.getStatus();
        this.status = JSON.convertValue(before, DurableWorkflowStatus.class);
        this.now = now;
        this.status.observedGeneration = resource.getMetadata().getGeneration();
    }

    boolean isFinal() {
        return before.phase != null && before.phase.isFinal();
    }

    /** Whether an instance of it was seen before. */
    boolean wasSubmitted() {
        return before.instanceId != null;
    }

    @Nullable Instant completedAt() {
        return status.completedAt == null ? null : Instant.parse(status.completedAt);
    }

    /** Nothing follows after this. */
    void end(Phase phase, String reason, String message) {
        phase(phase, reason, message);
        if (status.completedAt == null) {
            status.completedAt = text(now);
        }
        condition(phase == Phase.SUCCEEDED ? "Complete" : "Failed", true, reason, message);
    }

    void phase(Phase phase, String reason, String message) {
        status.phase = phase;
        status.reason = reason;
        status.message = cut(message, LONGEST_MESSAGE);
    }

    void condition(String type, boolean holds, String reason, String message) {
        status.conditions = Conditions.with(
                status.conditions,
                type,
                holds,
                reason,
                cut(message, LONGEST_MESSAGE),
                resource.getMetadata().getGeneration(),
                text(now));
    }

    /** What the tables say of the instance. */
    void observe(SubmittedInstance instance) {
        condition("Accepted", true, Reason.ACCEPTED, "the definition is valid");
        condition("Submitted", true, Reason.SUBMITTED, "instance " + instance.id());
        status.instanceId = instance.id();
        status.progress = instance.stepsEnded() + "/" + instance.steps();
        status.startedAt = instance.startedAt() == null ? null : text(instance.startedAt());
        if (instance.completedAt() != null) {
            status.completedAt = text(instance.completedAt());
        }
        String output = instance.output() == null ? "" : instance.output();
        if (!instance.hasEnded()) {
            Phase phase = instance.status().equals("pending") ? Phase.PENDING : Phase.RUNNING;
            phase(phase, Reason.SUBMITTED, "instance " + instance.id() + " is " + instance.status());
            return;
        }
        switch (instance.status()) {
            case "completed" -> {
                status.result = cut(output, LONGEST_RESULT);
                end(Phase.SUCCEEDED, Reason.COMPLETED, "instance " + instance.id() + " is completed");
            }
            case "failed" -> end(Phase.FAILED, Reason.FAILED, output);
            default -> {
                boolean late = Deadline.REASON.equals(instance.cancelReason());
                end(Phase.CANCELLED, late ? Reason.DEADLINE_EXCEEDED : Reason.CANCELLED, output);
            }
        }
    }

    DurableWorkflowStatus status() {
        return status;
    }

    /** Whether there is anything to write. */
    boolean isChanged() {
        return !JSON.valueToTree(before).equals(JSON.valueToTree(status));
    }

    static String text(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static String cut(String text, int bytes) {
        return Utf8.cut(text, bytes);
    }
}
