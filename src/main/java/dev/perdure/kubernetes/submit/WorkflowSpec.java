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
 * What is to run, as it was written. Reading it never fails: the API server can have accepted what this version cannot read, since
 * its definition of the resource may be another one.
 *
 * @param fields all but the steps; of a spec that cannot be read, the role only
 * @param steps as they were written
 * @param problem what cannot be read, with its place
 */
public record WorkflowSpec(
        WorkflowTemplateSpec fields, @Nullable JsonNode steps, Place place, @Nullable String problem) {

    /** Reads a spec that stands at a place. */
    public static WorkflowSpec read(JsonNode spec, Place place) {
        String problem;
        if (Documents.isTooDeep(spec)) {
            problem = place + ": nested deeper than " + Documents.DEPTH + " levels";
        } else if (spec.path("role").asText().indexOf('\0') >= 0) {
            problem = place + ".role: holds the character 0, which PostgreSQL cannot store";
        } else if (spec instanceof ObjectNode object) {
            try {
                JsonNode steps = object.get("steps");
                WorkflowTemplateSpec fields =
                        Documents.mapper().treeToValue(object.deepCopy().without("steps"), WorkflowTemplateSpec.class);
                return new WorkflowSpec(fields, steps == null || steps.isNull() ? null : steps, place, null);
            } catch (JsonProcessingException e) {
                problem = text(e, place);
            }
        } else {
            problem = place + ": expected an object";
        }
        WorkflowTemplateSpec unread = new WorkflowTemplateSpec();
        unread.role = spec.path("role").asText().replace("\0", "");
        return new WorkflowSpec(unread, null, place, problem);
    }

    /** What a value that does not fit its field is called, with the field. */
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
        if ((steps == null) == (fields.expression == null)) {
            throw new InvalidDefinitionException(place + ": exactly one of steps and expression must be given");
        }
        return fields.expression == null
                ? StepList.translate(java.util.Objects.requireNonNull(steps), new Place(place + ".steps"))
                : fields.expression;
    }
}
