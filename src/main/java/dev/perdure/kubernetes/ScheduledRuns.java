package dev.perdure.kubernetes;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.DurableWorkflowSpec;
import dev.perdure.kubernetes.api.TemplateMetadata;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/** The resources that a schedule creates. */
final class ScheduledRuns {

    private static final JsonMapper JSON = new JsonMapper();
    private static final long MINUTE = 60;

    private ScheduledRuns() {}

    /** The run for a time. Its name says the time, so that it cannot be created twice. */
    static DurableWorkflow run(DurableSchedule schedule, Instant time) {
        TemplateMetadata template = schedule.getSpec().workflowTemplate.metadata;
        Map<String, String> labels =
                new HashMap<>(template == null || template.labels == null ? Map.of() : template.labels);
        labels.put(DurableWorkflow.SCHEDULE, schedule.getMetadata().getName());
        Map<String, String> annotations =
                new HashMap<>(template == null || template.annotations == null ? Map.of() : template.annotations);
        annotations.put(DurableSchedule.SCHEDULED_AT, time.toString());
        DurableWorkflow run = new DurableWorkflow();
        run.setMetadata(new ObjectMetaBuilder()
                .withName(schedule.getMetadata().getName() + "-" + time.getEpochSecond() / MINUTE)
                .withNamespace(schedule.getMetadata().getNamespace())
                .withLabels(labels)
                .withAnnotations(annotations)
                .withOwnerReferences(new OwnerReferenceBuilder()
                        .withApiVersion(schedule.getApiVersion())
                        .withKind(schedule.getKind())
                        .withName(schedule.getMetadata().getName())
                        .withUid(schedule.getMetadata().getUid())
                        .withController(true)
                        .build())
                .build());
        run.setSpec(JSON.convertValue(schedule.getSpec().workflowTemplate.spec, DurableWorkflowSpec.class));
        run.setStatus(null);
        return run;
    }
}
