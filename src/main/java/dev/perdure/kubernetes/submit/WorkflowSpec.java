package dev.perdure.kubernetes.submit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.kubernetes.api.WorkflowTemplateSpec;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.Place;
import dev.perdure.kubernetes.manifest.StepList;
import dev.perdure.kubernetes.watch.Documents;
import org.jspecify.annotations.Nullable;

/**
 * The specification of a workflow, as it was written. Reading it never fails: the API server can have accepted what this
 * version cannot read, since its definition of the resource may be another one.
 *
 * @param fields all but the steps; of a spec that cannot be read, the role only
 * @param steps as they were written
 * @param called the named workflow, as it was written
 * @param problem what cannot be read, with its place
 */
public record WorkflowSpec(
        WorkflowTemplateSpec fields,
        @Nullable JsonNode steps,
        @Nullable JsonNode called,
        Place place,
        @Nullable String problem) {

    /** Reads a spec that stands at a place. */
    public static WorkflowSpec read(JsonNode spec, Place place) {
        String problem;
        if (Documents.isTooDeep(spec)) {
            problem = place + ": nested deeper than " + Documents.DEPTH + " levels";
        } else if (spec.path("role").asText().indexOf('\0') >= 0) {
            problem = place + ".role: holds the character 0, which PostgreSQL cannot store";
        } else if (spec instanceof ObjectNode object) {
            try {
                ObjectNode others = object.deepCopy();
                others.remove(java.util.List.of("steps", "definition"));
                WorkflowTemplateSpec fields = Documents.mapper().treeToValue(others, WorkflowTemplateSpec.class);
                return new WorkflowSpec(fields, member(object, "steps"), member(object, "definition"), place, null);
            } catch (JsonProcessingException e) {
                problem = text(e, place);
            }
        } else {
            problem = place + ": expected an object";
        }
        WorkflowTemplateSpec unread = new WorkflowTemplateSpec();
        unread.role = spec.path("role").asText().replace("\0", "");
        return new WorkflowSpec(unread, null, null, place, problem);
    }

    private static @Nullable JsonNode member(ObjectNode spec, String name) {
        JsonNode value = spec.get(name);
        return value == null || value.isNull() ? null : value;
    }

    /** The error text for a value that does not fit its field, with the field. */
    public static String text(JsonProcessingException e, Place place) {
        StringBuilder path = new StringBuilder(place.path());
        if (e instanceof JsonMappingException mapping) {
            for (JsonMappingException.Reference step : mapping.getPath()) {
                path.append(step.getFieldName() == null ? "[" + step.getIndex() + "]" : "." + step.getFieldName());
            }
        }
        return path + ": " + String.valueOf(e.getOriginalMessage()).replace('\n', ' ');
    }

    /** The JSON of a node, or an expression. */
    public String definition() throws InvalidDefinitionException {
        if (problem != null) {
            throw new InvalidDefinitionException(problem);
        }
        // The API server checks this too, where its definition of the resource is the present one.
        int given = (steps == null ? 0 : 1) + (called == null ? 0 : 1) + (fields.expression == null ? 0 : 1);
        if (given != 1) {
            throw new InvalidDefinitionException(
                    place + ": exactly one of steps, expression and definition must be given");
        }
        if (called != null) {
            return StepList.call(called, new Place(place + ".definition"));
        }
        return fields.expression == null
                ? StepList.translate(java.util.Objects.requireNonNull(steps), new Place(place + ".steps"))
                : fields.expression;
    }
}
