package dev.perdure.kubernetes.reconcile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.kubernetes.api.DurableWorkflowStatus;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.watch.Documents;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.store.SubmittedInstance;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The next status of a resource: begins as the present one, and is compared with it in the end. */
final class StatusDraft {

    private static final JsonMapper JSON = Documents.mapper();

    /** All that a status can have. */
    static final Set<String> MEMBERS = Set.of(
            "observedGeneration",
            "instanceId",
            "phase",
            "reason",
            "message",
            "progress",
            "startedAt",
            "completedAt",
            "result",
            "conditions");

    private static final int LONGEST_RESULT = 4096;
    static final int LONGEST_MESSAGE = 1024;

    private final long generation;
    private final DurableWorkflowStatus before;
    private final DurableWorkflowStatus status;
    private final boolean damaged;
    private final Instant now;

    StatusDraft(Resource resource, Instant now) {
        DurableWorkflowStatus read = read(resource.status());
        this.generation = resource.generation();
        this.damaged = read == null;
        this.before = read == null ? new DurableWorkflowStatus() : read;
        this.status = JSON.convertValue(before, DurableWorkflowStatus.class);
        this.now = now;
        this.status.observedGeneration = generation;
    }

    /** Null for one that somebody else has written, and that cannot be read: the database tells what belongs there. */
    private static @Nullable DurableWorkflowStatus read(JsonNode status) {
        if (status.isMissingNode() || status.isNull()) {
            return new DurableWorkflowStatus();
        }
        try {
            DurableWorkflowStatus read = JSON.treeToValue(status, DurableWorkflowStatus.class);
            boolean times = isTime(read.startedAt) && isTime(read.completedAt);
            return times && read.conditions != null ? read : null;
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    private static boolean isTime(@Nullable String text) {
        return text == null || Resource.time(text) != null;
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
        condition(Conditions.READY, phase == Phase.SUCCEEDED, reason, message);
        onlyWhile(!phase.isFinal(), Conditions.RECONCILING, reason, message);
        onlyWhile(phase == Phase.FAILED || phase == Phase.CANCELLED, Conditions.STALLED, reason, message);
    }

    private void onlyWhile(boolean holds, String type, String reason, String message) {
        if (holds) {
            condition(type, true, reason, message);
        } else {
            status.conditions = Conditions.without(status.conditions, type);
        }
    }

    /** It was said that it had ended, and it has not. */
    void reopen() {
        status.completedAt = null;
        status.result = null;
        status.conditions = Conditions.without(Conditions.without(status.conditions, "Complete"), "Failed");
    }

    /** Keeps the end that was written before, for a resource that was not looked at by this version yet. */
    void repeatEnd() {
        phase(
                java.util.Objects.requireNonNull(before.phase),
                before.reason == null ? Reason.COMPLETED : before.reason,
                before.message == null ? "" : before.message);
    }

    void condition(String type, boolean holds, String reason, String message) {
        status.conditions = Conditions.with(
                status.conditions, type, holds, reason, cut(message, LONGEST_MESSAGE), generation, text(now));
    }

    /** Takes over the instance's state from the tables. */
    void observe(SubmittedInstance instance) {
        condition("Submitted", true, Reason.SUBMITTED, "instance " + instance.id());
        status.instanceId = instance.id();
        if (!instance.status().equals("cancelled")) {
            // Steps that a cancellation interrupts end too: what was reached before stays.
            status.progress = instance.stepsEnded() + "/" + instance.steps();
        }
        status.items = instance.items();
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

    JsonNode document() {
        return JSON.valueToTree(status);
    }

    DurableWorkflowStatus status() {
        return status;
    }

    /** Whether there is anything to write. */
    boolean isChanged() {
        return damaged || !JSON.valueToTree(before).equals(JSON.valueToTree(status));
    }

    static String text(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static String cut(String text, int bytes) {
        return Utf8.cut(text, bytes);
    }
}
