package dev.perdure.kubernetes.reconcile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.kubernetes.api.DurableScheduleSpec;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.Place;
import dev.perdure.kubernetes.submit.WorkflowSpec;
import dev.perdure.kubernetes.watch.Documents;

/**
 * The specification of a schedule, read from its resource.
 *
 * @param fields all but the template
 */
record ScheduleSpec(DurableScheduleSpec fields, WorkflowSpec template) {

    static final String TEMPLATE = "spec.workflowTemplate.spec";

    static ScheduleSpec read(JsonNode spec) throws InvalidDefinitionException {
        Place place = new Place("spec");
        if (!(spec instanceof ObjectNode object) || Documents.isTooDeep(spec)) {
            throw new InvalidDefinitionException("spec: nested deeper than " + Documents.DEPTH + " levels");
        }
        try {
            ObjectNode rest = object.deepCopy();
            rest.remove("workflowTemplate");
            return new ScheduleSpec(
                    Documents.mapper().treeToValue(rest, DurableScheduleSpec.class),
                    WorkflowSpec.read(spec.path("workflowTemplate").path("spec"), new Place(TEMPLATE)));
        } catch (JsonProcessingException e) {
            throw new InvalidDefinitionException(WorkflowSpec.text(e, place));
        }
    }

    /** The fields that decide the times, in one text. */
    String cron() {
        return fields.schedule + " " + (fields.timeZone == null ? "UTC" : fields.timeZone);
    }
}
