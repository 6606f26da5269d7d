package dev.perdure.kubernetes.reconcile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.watch.Documents;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.ResourceKind;
import java.time.Instant;

/** The resources that a schedule creates. */
final class ScheduledRuns {

    private static final long MINUTE = 60;

    private ScheduledRuns() {}

    /** The run for a time. Its name says the time, so that it cannot be created twice. */
    static ResourceKey key(Resource schedule, Instant time) {
        return new ResourceKey(
                ResourceKind.WORKFLOW,
                schedule.key().namespace(),
                schedule.key().name() + "-" + time.getEpochSecond() / MINUTE);
    }

    /** The document of a run: the template as it was written, and the fields that make it a run. */
    static JsonNode document(Resource schedule, Instant time) {
        JsonNode template = schedule.spec().path("workflowTemplate");
        ObjectNode run = Documents.mapper().createObjectNode();
        run.put("apiVersion", ResourceKind.API_VERSION).put("kind", ResourceKind.WORKFLOW.kind());
        ObjectNode metadata = run.putObject("metadata");
        metadata.put("name", key(schedule, time).name())
                .put("namespace", schedule.key().namespace());
        metadata.set(
                "labels",
                members(template, "labels")
                        .put(DurableWorkflow.SCHEDULE, schedule.key().name()));
        metadata.set(
                "annotations", members(template, "annotations").put(DurableSchedule.SCHEDULED_AT, time.toString()));
        metadata.putArray("ownerReferences")
                .addObject()
                .put("apiVersion", ResourceKind.API_VERSION)
                .put("kind", ResourceKind.SCHEDULE.kind())
                .put("name", schedule.key().name())
                .put("uid", schedule.uid())
                .put("controller", true);
        run.set("spec", template.path("spec"));
        return run;
    }

    private static ObjectNode members(JsonNode template, String name) {
        JsonNode given = template.path("metadata").path(name);
        return given instanceof ObjectNode object
                ? object.deepCopy()
                : Documents.mapper().createObjectNode();
    }
}
