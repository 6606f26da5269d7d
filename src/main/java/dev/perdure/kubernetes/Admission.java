package dev.perdure.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.kubernetes.Acceptance.Accepted;
import dev.perdure.kubernetes.Acceptance.Refused;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Variable;
import dev.perdure.kubernetes.api.WorkflowTemplateSpec;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.Place;
import dev.perdure.kubernetes.manifest.StepList;
import dev.perdure.store.Submission;
import jakarta.inject.Singleton;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes a submission of a resource, or says why not. */
@Singleton
class Admission {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Place SPEC = new Place("spec");

    private final RolePolicy policy;

    Admission(RolePolicy policy) {
        this.policy = policy;
    }

    Acceptance decide(DurableWorkflow resource) {
        String namespace = resource.getMetadata().getNamespace();
        String name = resource.getMetadata().getName();
        WorkflowTemplateSpec spec = resource.getSpec();
        if (!policy.allows(namespace, spec.role)) {
            return new Refused(Reason.ROLE_NOT_ALLOWED, RolePolicy.refusal(namespace, spec.role));
        }
        try {
            return new Accepted(new Submission(
                    resource.getMetadata().getUid(),
                    spec.role,
                    definition(spec, SPEC),
                    spec.expression != null,
                    spec.label == null ? namespace + "/" + name : spec.label,
                    spec.database,
                    vars(namespace, spec, SPEC)));
        } catch (InvalidDefinitionException e) {
            return new Refused(Reason.INVALID_DEFINITION, e.getMessage());
        }
    }

    /** The JSON of a node, or an expression. */
    static String definition(WorkflowTemplateSpec spec, Place place) throws InvalidDefinitionException {
        // The API server checks this too, where its definition of the resource is the present one.
        if ((spec.steps == null) == (spec.expression == null)) {
            throw new InvalidDefinitionException(place + ": exactly one of steps and expression must be given");
        }
        if (spec.expression != null) {
            return spec.expression;
        }
        JsonNode steps = JSON.valueToTree(spec.steps);
        return StepList.translate(steps, new Place(place + ".steps"));
    }

    private static Map<String, String> vars(String namespace, WorkflowTemplateSpec spec, Place place)
            throws InvalidDefinitionException {
        Map<String, String> vars = new LinkedHashMap<>();
        for (Variable variable : spec.vars == null ? List.<Variable>of() : spec.vars) {
            if ((variable.value == null) == (variable.valueFrom == null)) {
                throw new InvalidDefinitionException(
                        place + ".vars: '" + variable.name + "' needs one of value and valueFrom");
            }
            String value = variable.valueFrom == null
                    ? variable.value
                    : SecretText.reference(
                            namespace,
                            variable.valueFrom.secretKeyRef,
                            new Place(place + ".vars." + variable.name + ".valueFrom.secretKeyRef"));
            if (vars.put(variable.name, String.valueOf(value)) != null) {
                throw new InvalidDefinitionException(place + ".vars: '" + variable.name + "' is there twice");
            }
        }
        return vars;
    }
}
