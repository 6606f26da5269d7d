package dev.perdure.kubernetes.reconcile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.kubernetes.api.DurableScheduleStatus;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.watch.Documents;
import dev.perdure.kubernetes.watch.Resource;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The next status of a schedule: begins as the present one, and is compared with it in the end. */
final class ScheduleDraft {

    private static final JsonMapper JSON = Documents.mapper();

    /** All that a status can have. */
    static final Set<String> MEMBERS = Set.of(
            "observedGeneration",
            "active",
            "lastScheduleTime",
            "lastSuccessfulTime",
            "nextScheduleTime",
            "observedSchedule",
            "scheduleChangedAt",
            "conditions");

    private final Resource resource;
    private final DurableScheduleStatus before;
    private final DurableScheduleStatus status;
    private final boolean damaged;
    private final Instant now;

    ScheduleDraft(Resource resource, Instant now) {
        DurableScheduleStatus read = read(resource.status());
        this.resource = resource;
        this.now = now;
        this.damaged = read == null;
        this.before = read == null ? new DurableScheduleStatus() : read;
        this.status = JSON.convertValue(before, DurableScheduleStatus.class);
        status.observedGeneration = resource.generation();
    }

    /** Null for one that somebody else has written, and that cannot be read: the runs tell what belongs there. */
    private static @Nullable DurableScheduleStatus read(JsonNode status) {
        if (status.isMissingNode() || status.isNull()) {
            return new DurableScheduleStatus();
        }
        try {
            DurableScheduleStatus read = JSON.treeToValue(status, DurableScheduleStatus.class);
            return read.conditions == null || read.active == null ? null : read;
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    Optional<Instant> lastSchedule() {
        return Optional.ofNullable(Resource.time(status.lastScheduleTime));
    }

    Optional<Instant> lastSuccess() {
        return Optional.ofNullable(Resource.time(status.lastSuccessfulTime));
    }

    /** Whether this generation was found to be right before. */
    boolean wasAccepted() {
        return before.conditions.stream()
                .anyMatch(condition -> condition.type.equals("Accepted")
                        && condition.status.equals("True")
                        && condition.observedGeneration != null
                        && condition.observedGeneration == resource.generation());
    }

    /** From when on the times of the present cron expression count: no time before it was written is made up for. */
    Instant since(ScheduleSpec spec) {
        String cron = spec.cron();
        if (status.observedSchedule != null && !status.observedSchedule.equals(cron)) {
            Instant written = resource.writtenAt(List.of("schedule", "timeZone"));
            status.scheduleChangedAt = StatusDraft.text(written == null ? now : written);
        }
        status.observedSchedule = cron;
        Instant changed = Resource.time(status.scheduleChangedAt);
        return changed == null || changed.isBefore(resource.createdAt()) ? resource.createdAt() : changed;
    }

    void runs(ScheduleDecision decision, Optional<Instant> last) {
        status.active = decision.active();
        status.lastScheduleTime = last.map(Instant::toString).orElse(null);
        status.lastSuccessfulTime =
                decision.lastSuccess().map(Instant::toString).orElse(null);
        status.nextScheduleTime = decision.next().map(Instant::toString).orElse(null);
    }

    void accepted(boolean suspended) {
        condition("Accepted", true, Reason.ACCEPTED, "the schedule is valid");
        ready(suspended ? Reason.SUSPENDED : Reason.ACCEPTED, suspended ? "suspended" : "runs are created");
    }

    void ready(String reason, String message) {
        condition(Conditions.READY, true, reason, message);
        status.conditions = Conditions.without(status.conditions, Conditions.STALLED);
    }

    void refused(String reason, String message) {
        condition("Accepted", false, reason, message);
        stalled(reason, message);
        status.nextScheduleTime = null;
    }

    void stalled(String reason, String message) {
        condition(Conditions.READY, false, reason, message);
        condition(Conditions.STALLED, true, reason, message);
    }

    private void condition(String type, boolean holds, String reason, String message) {
        status.conditions = Conditions.with(
                status.conditions,
                type,
                holds,
                reason,
                Utf8.cut(message, StatusDraft.LONGEST_MESSAGE),
                resource.generation(),
                StatusDraft.text(now));
    }

    JsonNode document() {
        return JSON.valueToTree(status);
    }

    boolean isChanged() {
        return damaged || !JSON.valueToTree(before).equals(JSON.valueToTree(status));
    }
}
