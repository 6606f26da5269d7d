package dev.perdure.kubernetes.submit;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Roles that the resources of a namespace may run as. Nothing is allowed that the configuration does not name. */
@Singleton
public class RolePolicy {

    /** By worker name and namespace. */
    private final Map<String, Map<String, List<String>>> roles;

    RolePolicy(Databases databases) {
        this.roles = databases.all().stream()
                .map(ServedDatabase::options)
                .collect(Collectors.toMap(DatabaseOptions::workerName, DatabaseOptions::kubernetesRoles));
    }

    public boolean allows(String worker, String namespace, String role) {
        return roles.getOrDefault(worker, Map.of())
                .getOrDefault(namespace, List.of())
                .contains(role);
    }

    /** The error text for a role that is not allowed. */
    public static String refusal(String namespace, String role) {
        return "Namespace %s may not use role %s. The administrator of the worker allows it with perdure.kubernetes.roles.\"%s\""
                .formatted(namespace, role, namespace);
    }
}
