package dev.perdure.kubernetes.submit;

import dev.perdure.kubernetes.api.QueuePlace;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.api.Variable;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.Place;
import dev.perdure.kubernetes.submit.Acceptance.Accepted;
import dev.perdure.kubernetes.submit.Acceptance.Refused;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.store.Submission;
import jakarta.inject.Singleton;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes a submission of a resource, or says why not. */
@Singleton
public class Admission {

    private final RolePolicy policy;

    Admission(RolePolicy policy) {
        this.policy = policy;
    }

    /** Whether a resource is submitted. */
    public Acceptance decide(ResourceKey key, String uid, WorkflowSpec spec) {
        try {
            String definition = check(key.namespace(), spec);
            return new Accepted(new Submission(
                    uid,
                    spec.fields().role,
                    definition,
                    spec.fields().expression != null,
                    spec.fields().label == null ? key.namespace() + "/" + key.name() : spec.fields().label,
                    spec.fields().database,
                    vars(key.namespace(), spec),
                    queue(spec.fields().queue),
                    spec.fields().attributes == null ? Map.of() : spec.fields().attributes));
        } catch (RoleNotAllowedException e) {
            return new Refused(Reason.ROLE_NOT_ALLOWED, String.valueOf(e.getMessage()));
        } catch (InvalidDefinitionException e) {
            return new Refused(Reason.INVALID_DEFINITION, String.valueOf(e.getMessage()));
        }
    }

    /** Checks the template of a schedule, before there is a resource. */
    public void check(String namespace, WorkflowSpec spec, String place) throws InvalidDefinitionException {
        try {
            check(namespace, spec);
            vars(namespace, spec);
        } catch (RoleNotAllowedException e) {
            throw new InvalidDefinitionException(place + ".role: " + e.getMessage());
        }
    }

    private String check(String namespace, WorkflowSpec spec)
            throws InvalidDefinitionException, RoleNotAllowedException {
        if (!policy.allows(spec.fields().worker, namespace, spec.fields().role)) {
            throw new RoleNotAllowedException(RolePolicy.refusal(namespace, spec.fields().role));
        }
        return spec.definition();
    }

    private static Submission.@Nullable Queue queue(@Nullable QueuePlace place) {
        return place == null ? null : new Submission.Queue(place.name, place.key, place.priority);
    }

    private static Map<String, String> vars(String namespace, WorkflowSpec spec) throws InvalidDefinitionException {
        Place place = spec.place();
        Map<String, String> vars = new LinkedHashMap<>();
        for (Variable variable : spec.fields().vars == null ? List.<Variable>of() : spec.fields().vars) {
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

    private static final class RoleNotAllowedException extends Exception {

        private static final long serialVersionUID = 1L;

        RoleNotAllowedException(String message) {
            super(message);
        }
    }
}
