package dev.perdure.kubernetes;

import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/**
 * The application under test has a database of its own and reconciles the namespaces team-a and team-b, with the token of its
 * service account; team-c, which it is told to watch too, has not given it any right. team-a may use the role k8s_app, team-b may use k8s_etl.
 */
public final class ClusterResource implements QuarkusTestResourceLifecycleManager {

    static final String TEAM_A = "team-a";
    static final String TEAM_B = "team-b";

    /** Is watched, and has given no rights to the worker. */
    static final String TEAM_C = "team-c";

    /** What the Secret api of team-a holds under token. */
    static final String SECRET = "s3cr3t-of-team-a";

    /** The system property by which the client finds its API server. */
    static final String KUBECONFIG = "kubeconfig";

    @Override
    public Map<String, String> start() {
        KubernetesServer server = KubernetesServer.get();
        for (String namespace : new String[] {TEAM_A, TEAM_B}) {
            server.createNamespace(namespace);
            server.grantOperator(namespace);
            server.releaseClaims(namespace);
        }
        server.createNamespace(TEAM_C);
        server.releaseClaims(TEAM_C);
        server.withdrawOperator(TEAM_C);
        Map<String, String> settings = new HashMap<>(settings());
        System.setProperty(KUBECONFIG, server.workerKubeconfig(server.url()).toString());
        settings.put("perdure.secrets.directory", secrets().toString());
        settings.put("perdure.database.url", database().url().toString());
        return settings;
    }

    /** What a worker of these tests is told. */
    static Map<String, String> settings() {
        return Map.of(
                "perdure.kubernetes.enabled",
                "true",
                "perdure.kubernetes.namespaces",
                TEAM_A + "," + TEAM_C + "," + TEAM_B,
                "perdure.kubernetes.roles.\"" + TEAM_A + "\"",
                "k8s_app,app_orders",
                "perdure.kubernetes.roles.\"" + TEAM_B + "\"",
                "k8s_etl,k8s_app",
                "perdure.kubernetes.roles.\"" + TEAM_C + "\"",
                "k8s_app",
                // Where the examples' HTTP service is.
                "perdure.http.allow",
                "127.0.0.1");
    }

    /** As an administrator mounts Secrets into the worker. */
    private static Path secrets() {
        try {
            Path directory = Files.createTempDirectory("perdure-secrets");
            Path secret = Files.createDirectory(directory.resolve(TEAM_A + ".api"));
            Files.writeString(secret.resolve("token"), SECRET);
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static TestDatabase database() {
        TestDatabase database = PostgresServer.get().newDatabase();
        try {
            database.createUser("k8s_app");
            database.createUser("k8s_etl");
            database.createUser("app_orders");
            database.execute(
                    PostgresServer.OWNER,
                    "SELECT df.grant_usage('app_orders', true), df.grant_secret('team-a.api/token', 'app_orders')");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return database;
    }

    @Override
    public void stop() {
        // Both servers end with the JVM.
        System.clearProperty(KUBECONFIG);
    }
}
