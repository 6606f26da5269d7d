package dev.perdure.kubernetes;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.TestDatabase;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;

/** What a team does with a namespace, and what can be seen of it in the database. */
final class Cluster {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final DatabaseUrl database;

    /**
     * @param database as the worker knows it
     */
    Cluster(String database) {
        this.database = DatabaseUrl.parse(database);
    }

    static KubernetesClient admin() {
        return KubernetesServer.get().admin();
    }

    /** A workflow of the role k8s_app in team-a. */
    static String workflow(String name, String spec) {
        return workflow(ClusterResource.TEAM_A, name, "k8s_app", spec);
    }

    static String workflow(String namespace, String name, String role, String spec) {
        return """
                apiVersion: perdure.dev/v1alpha1
                kind: DurableWorkflow
                metadata: {name: %s, namespace: %s}
                spec:
                  role: %s
                """
                        .formatted(name, namespace, role)
                + spec.indent(2);
    }

    /** {@code kubectl apply --server-side}. */
    static DurableWorkflow apply(String yaml) {
        DurableWorkflow resource = Serialization.unmarshal(yaml, DurableWorkflow.class);
        resource.setStatus(null);
        return admin().resource(resource).fieldManager("kubectl").serverSideApply();
    }

    /** What the API server says of a manifest that it refuses. */
    static String refused(String yaml) {
        try {
            apply(yaml);
        } catch (KubernetesClientException e) {
            return String.valueOf(e.getMessage());
        }
        throw new AssertionError("the API server takes it: " + yaml);
    }

    static Resource<DurableWorkflow> handle(DurableWorkflow resource) {
        return admin().resource(resource);
    }

    static @Nullable DurableWorkflow get(DurableWorkflow resource) {
        return handle(resource).get();
    }

    static DurableWorkflow awaitPhase(DurableWorkflow resource, Phase phase) {
        return await(
                resource, "phase " + phase, found -> found.getStatus() != null && found.getStatus().phase == phase);
    }

    static DurableWorkflow await(DurableWorkflow resource, String what, Predicate<DurableWorkflow> holds) {
        DurableWorkflow[] last = new DurableWorkflow[1];
        try {
            patiently(resource.getMetadata().getName() + ": " + what).until(() -> {
                last[0] = get(resource);
                return last[0] != null && holds.test(last[0]);
            });
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            throw new AssertionError(what + " did not happen: " + Serialization.asYaml(last[0]), e);
        }
        return last[0];
    }

    static void awaitGone(DurableWorkflow resource) {
        patiently(resource.getMetadata().getName() + " is gone").until(() -> get(resource) == null);
    }

    static ConditionFactory patiently(String what) {
        return Awaitility.await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(100));
    }

    /** Reasons of a resource's events, in no particular order. */
    static List<String> events(DurableWorkflow resource) {
        return admin()
                .v1()
                .events()
                .inNamespace(resource.getMetadata().getNamespace())
                .withField("involvedObject.uid", resource.getMetadata().getUid())
                .list()
                .getItems()
                .stream()
                .map(Event::getReason)
                .toList();
    }

    static boolean has(DurableWorkflow resource, String condition, String status) {
        return resource.getStatus().conditions.stream()
                .anyMatch(found -> found.type.equals(condition) && found.status.equals(status));
    }

    /** The first value of a query of the superuser. */
    @Nullable String value(String sql, Object... parameters) throws SQLException {
        try (Connection session = database.withUser("postgres", null).connect()) {
            List<List<@Nullable String>> rows = TestDatabase.rows(session, sql, parameters);
            return rows.isEmpty() ? null : rows.get(0).get(0);
        }
    }

    /** Executes as a role. */
    void execute(String role, String sql) throws SQLException {
        try (Connection session = database.withUser(role, null).connect();
                var statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    /** How many instances there are of a resource. */
    int instances(DurableWorkflow resource) throws SQLException {
        return Integer.parseInt(String.valueOf(value(
                "SELECT count(*) FROM df.instances WHERE idempotency_key = ?",
                resource.getMetadata().getUid())));
    }
}
