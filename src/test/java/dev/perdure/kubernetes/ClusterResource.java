package dev.perdure.kubernetes;

import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/**
 * The application under test has a database of its own and reconciles the namespaces team-a and team-b, with the token of its
 * service account. team-a may use the role k8s_app, team-b may use k8s_etl.
 */
public final class ClusterResource implements QuarkusTestResourceLifecycleManager {

    static final String TEAM_A = "team-a";
    static final String TEAM_B = "team-b";

    @Override
    public Map<String, String> start() {
        KubernetesServer server = KubernetesServer.get();
        for (String namespace : new String[] {TEAM_A, TEAM_B}) {
            server.createNamespace(namespace);
            server.grantOperator(namespace);
        }
        Map<String, String> settings = new HashMap<>(settings(server, server.url()));
        settings.put("perdure.database.url", database().url().toString());
        return settings;
    }

    /** How a worker reaches the API server. */
    static Map<String, String> settings(KubernetesServer server, String url) {
        return Map.of(
                "perdure.kubernetes.enabled",
                "true",
                "perdure.kubernetes.namespaces",
                TEAM_A + "," + TEAM_B,
                "perdure.kubernetes.roles.\"" + TEAM_A + "\"",
                "k8s_app,app_orders",
                "perdure.kubernetes.roles.\"" + TEAM_B + "\"",
                "k8s_etl,k8s_app",
                "quarkus.kubernetes-client.api-server-url",
                url,
                "quarkus.kubernetes-client.token",
                server.workerToken(),
                "quarkus.kubernetes-client.trust-certs",
                "true",
                "quarkus.kubernetes-client.namespace",
                KubernetesServer.WORKER_NAMESPACE);
    }

    static TestDatabase database() {
        TestDatabase database = PostgresServer.get().newDatabase();
        try {
            database.createUser("k8s_app");
            database.createUser("k8s_etl");
            database.createUser("app_orders");
            database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('app_orders', true)");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return database;
    }

    @Override
    public void stop() {
        // Both servers end with the JVM.
    }
}
