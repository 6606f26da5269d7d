package dev.perdure.store;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.perdure.flow.Assignment;
import dev.perdure.flow.Checkpoint;
import java.io.IOException;
import java.util.List;

/** The JSON of new activities and approvals, as {@code df._begin_activities} reads it. */
final class AssignmentDocument {

    private AssignmentDocument() {}

    static void write(JsonGenerator json, List<Checkpoint> checkpoints) throws IOException {
        if (checkpoints.stream().allMatch(checkpoint -> checkpoint.assignments().isEmpty())) {
            return;
        }
        json.writeArrayFieldStart("activities");
        for (Checkpoint checkpoint : checkpoints) {
            for (Assignment assignment : checkpoint.assignments()) {
                write(json, assignment);
            }
        }
        json.writeEndArray();
    }

    private static void write(JsonGenerator json, Assignment assignment) throws IOException {
        json.writeStartObject();
        json.writeStringField("node", assignment.activation().nodeId());
        json.writeStringField("execution_id", assignment.activation().stamp());
        json.writeStringField("reply", assignment.reply());
        json.writeStringField("kind", assignment.kind());
        if (assignment.payload() != null) {
            json.writeStringField("payload", assignment.payload());
        }
        if (assignment.isUndo()) {
            json.writeBooleanField("undo", true);
        }
        Assignment.Lease lease = assignment.lease();
        if (lease != null) {
            json.writeNumberField("lease_ms", lease.millis());
            json.writeNumberField("max_attempts", lease.maxAttempts());
        }
        Assignment.Approval approval = assignment.approval();
        if (approval != null) {
            json.writeArrayFieldStart("assignees");
            for (String assignee : approval.assignees()) {
                json.writeString(assignee);
            }
            json.writeEndArray();
            json.writeNumberField("quorum", approval.quorum());
            json.writeBooleanField("not_submitter", approval.notSubmitter());
        }
        json.writeEndObject();
    }
}
