package dev.perdure.kubernetes;

import static dev.perdure.kubernetes.Cluster.admin;
import static dev.perdure.kubernetes.Cluster.apply;
import static dev.perdure.kubernetes.Cluster.awaitGone;
import static dev.perdure.kubernetes.Cluster.awaitPhase;
import static dev.perdure.kubernetes.Cluster.patiently;
import static dev.perdure.kubernetes.Cluster.workflow;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.NeedsKubernetes;
import dev.perdure.testing.Slow;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.sql.SQLException;
import java.util.List;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rights that a namespace gives, and takes away, are its own business: the others are served, and it is named. */
@NeedsKubernetes
@QuarkusTest
@TestProfile(ClusterProfile.class)
@Slow("an API server, and an operator for each setting")
class NamespacesTest {

    private static final String TEAM_C = ClusterResource.TEAM_C;

    @ConfigProperty(name = "perdure.database.url")
    String database;

    private final KubernetesServer server = KubernetesServer.get();
    private Cluster cluster;

    @BeforeEach
    void begin() {
        cluster = new Cluster(database);
    }

    @AfterEach
    void end() {
        // As the other tests of this application find it.
        server.grantOperator(TEAM_C);
        admin().resources(DurableWorkflow.class).inNamespace(TEAM_C).delete();
        patiently("team-c is empty").until(() -> admin().resources(DurableWorkflow.class)
                .inNamespace(TEAM_C)
                .list()
                .getItems()
                .isEmpty());
        server.withdrawOperator(TEAM_C);
    }

    @Test
    void a_namespace_without_rights_is_named_and_delays_no_other() {
        awaitPhase(apply(workflow("beside", "steps: [{sql: SELECT 1}]")), Phase.SUCCEEDED);
        awaitNotWatched();

        String readiness = readiness();
        assertThat(readiness).contains("\"state\": \"partly\"").contains("k8s/base/rbac");
        assertThat(metric("DurableWorkflow", TEAM_C)).isEqualTo("0.0");
        assertThat(metric("DurableWorkflow", ClusterResource.TEAM_A)).isEqualTo("1.0");
        given().get("/q/health/ready").then().statusCode(200);
    }

    @Test
    void rights_that_are_given_later_are_found() {
        DurableWorkflow applied = apply(workflow(TEAM_C, "early", "k8s_app", "steps: [{sql: SELECT 1}]"));
        server.grantOperator(TEAM_C);

        awaitPhase(applied, Phase.SUCCEEDED);
        patiently("readiness").until(() -> !readiness().contains("of " + TEAM_C));
    }

    @Test
    void rights_that_are_lost_are_noticed() {
        server.grantOperator(TEAM_C);
        awaitPhase(apply(workflow(TEAM_C, "before", "k8s_app", "steps: [{sql: SELECT 1}]")), Phase.SUCCEEDED);

        server.withdrawOperator(TEAM_C);

        awaitNotWatched();
        awaitPhase(apply(workflow("after", "steps: [{sql: SELECT 1}]")), Phase.SUCCEEDED);
    }

    /** The namespace controller deletes in no order: the rights can go first. */
    @Test
    void a_namespace_that_is_deleted_rights_first_ends_and_its_instances_are_cancelled() throws SQLException {
        server.grantOperator(TEAM_C);
        DurableWorkflow running = running("rights-first", "");

        server.withdrawOperator(TEAM_C);
        Cluster.handle(running).delete();

        awaitGone(running);
        assertThat(status(running)).isEqualTo("cancelled");
    }

    @Test
    void so_does_one_whose_deletion_nothing_shows_any_more() throws SQLException {
        server.grantOperator(TEAM_C);
        DurableWorkflow running = running("unseen", "");
        server.withdrawOperator(TEAM_C);
        awaitNotWatched();

        Cluster.handle(running).delete();

        awaitGone(running);
        assertThat(status(running)).isEqualTo("cancelled");
    }

    @Test
    void what_has_nothing_to_cancel_needs_no_worker_to_go() throws SQLException {
        server.grantOperator(TEAM_C);
        DurableWorkflow orphan = running("orphan", "deletionPolicy: Orphan");
        DurableWorkflow done = apply(workflow(TEAM_C, "done", "k8s_app", "steps: [{sql: SELECT 1}]"));
        Cluster.await(
                done,
                "is let go when it has ended",
                found -> found.getStatus() != null
                        && found.getStatus().phase == Phase.SUCCEEDED
                        && found.getMetadata().getFinalizers().isEmpty());

        for (DurableWorkflow resource : List.of(orphan, done)) {
            assertThat(Cluster.get(resource).getMetadata().getFinalizers()).isEmpty();
            Cluster.handle(resource).delete();
            assertThat(Cluster.get(resource)).as("is gone at once").isNull();
        }
        assertThat(status(orphan)).isEqualTo("running");
    }

    private DurableWorkflow running(String name, String more) {
        DurableWorkflow applied = apply(workflow(TEAM_C, name, "k8s_app", "steps: [{sleep: 1h}]\n" + more));
        return awaitPhase(applied, Phase.RUNNING);
    }

    private String status(DurableWorkflow resource) throws SQLException {
        return String.valueOf(cluster.value(
                "SELECT status FROM df.instances WHERE idempotency_key = ?",
                resource.getMetadata().getUid()));
    }

    private static void awaitNotWatched() {
        patiently("readiness names the namespace")
                .until(() -> readiness().contains("durableworkflows of " + TEAM_C)
                        && readiness().contains("durableschedules of " + TEAM_C));
    }

    private static String readiness() {
        return given().get("/q/health/ready").asString();
    }

    private static String metric(String kind, String namespace) {
        return given().get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith("perdure_kubernetes_watching{")
                        && line.contains("\"" + kind + "\"")
                        && line.contains("\"" + namespace + "\""))
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .findFirst()
                .orElse("none");
    }
}
