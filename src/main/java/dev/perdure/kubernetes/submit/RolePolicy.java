package dev.perdure.kubernetes.submit;

import dev.perdure.config.PerdureConfig;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;

/** Roles that the resources of a namespace may run as. Nothing is allowed that the configuration does not name. */
@Singleton
public class RolePolicy {

    private final Map<String, List<String>> roles;

    RolePolicy(PerdureConfig config) {
        this.roles = config.kubernetes().roles();
    }

    public boolean allows(String namespace, String role) {
        return roles.getOrDefault(namespace, List.of()).contains(role);
    }

    /** What to say of a role that is not allowed. */
    public static String refusal(String namespace, String role) {
        return "Namespace %s may not use role %s. The administrator of the worker allows it with perdure.kubernetes.roles.\"%s\""
                .formatted(namespace, role, namespace);
    }
}
