package dev.perdure.kubernetes;

import static dev.perdure.kubernetes.Cluster.apply;
import static dev.perdure.kubernetes.Cluster.awaitPhase;
import static dev.perdure.kubernetes.Cluster.patiently;
import static dev.perdure.kubernetes.Cluster.workflow;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.testing.NeedsKubernetes;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TcpGate;
import dev.perdure.testing.TestDatabase;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;

/** Resources name the database of a fleet by {@code spec.worker}. */
@NeedsKubernetes
@QuarkusTest
@TestProfile(FleetResourcesTest.Fleet.class)
@Slow("an API server, and several workers")
class FleetResourcesTest {

    /** The application with three databases and an API server. */
    public static final class Fleet implements QuarkusTestProfile {

        @Override
        public List<TestResourceEntry> testResources() {
            return List.of(new TestResourceEntry(Servers.class));
        }
    }

    private static TcpGate gate;

    /** Two databases that work, and one behind a gate. */
    public static final class Servers implements io.quarkus.test.common.QuarkusTestResourceLifecycleManager {

        private final ClusterResource cluster = new ClusterResource();

        @Override
        public Map<String, String> start() {
            Map<String, String> settings = new HashMap<>(cluster.start());
            TestDatabase gated = ClusterResource.database();
            gate = new TcpGate(PostgresServer.get().port());
            gate.open();
            settings.put(
                    "perdure.databases.eu.url", ClusterResource.database().url().toUri());
            settings.put("perdure.databases.eu.kubernetes.roles.\"team-a\"", "k8s_etl");
            settings.put(
                    "perdure.databases.gated.url",
                    gated.url()
                            .withHost(new DatabaseUrl.Host("127.0.0.1", gate.port()))
                            .toUri());
            settings.put("perdure.databases.gated.kubernetes.worker-name", "behind-the-gate");
            return settings;
        }

        @Override
        public void stop() {
            gate.close();
            cluster.stop();
        }
    }

    @ConfigProperty(name = "perdure.database.url")
    String unnamed;

    @ConfigProperty(name = "perdure.databases.eu.url")
    String eu;

    @Test
    void a_resource_runs_in_the_database_that_its_worker_names() throws SQLException {
        DurableWorkflow here = apply(workflow("fleet-here", "steps: [{sql: SELECT 1}]"));
        DurableWorkflow there =
                apply(workflow("team-a", "fleet-there", "k8s_etl", "worker: eu\nsteps: [{sql: SELECT 2}]"));

        awaitPhase(here, Phase.SUCCEEDED);
        awaitPhase(there, Phase.SUCCEEDED);

        assertThat(new Cluster(unnamed).instances(here)).isEqualTo(1);
        assertThat(new Cluster(eu).instances(here)).isZero();
        assertThat(new Cluster(eu).instances(there)).isEqualTo(1);
        assertThat(new Cluster(unnamed).instances(there)).isZero();
    }

    @Test
    void roles_are_those_of_the_database() {
        DurableWorkflow refused = apply(workflow("fleet-refused", "worker: eu\nsteps: [{sql: SELECT 1}]"));

        assertThat(awaitPhase(refused, Phase.FAILED).getStatus().message).contains("may not use role k8s_app");
    }

    @Test
    void each_database_has_its_own_lease() {
        apply(workflow("team-a", "fleet-claims", "k8s_etl", "worker: eu\nsteps: [{sql: SELECT 2}]"));

        patiently("leases").untilAsserted(() -> {
            String held = holder("perdure-default");
            assertThat(held).isNotBlank();
            assertThat(holder("perdure-eu")).isNotBlank().isNotEqualTo(held);
        });
    }

    private static String holder(String lease) {
        var found = Cluster.admin()
                .leases()
                .inNamespace(ClusterResource.TEAM_A)
                .withName(lease)
                .get();
        return found == null ? "" : found.getSpec().getHolderIdentity();
    }

    @Test
    void a_name_that_no_worker_has_is_said_and_that_of_another_deployment_is_left_alone() {
        claim("perdure-elsewhere");
        DurableWorkflow misspelt = apply(workflow("fleet-misspelt", "worker: ue\nsteps: [{sql: SELECT 1}]"));
        DurableWorkflow others = apply(workflow("fleet-not-ours", "worker: elsewhere\nsteps: [{sql: SELECT 1}]"));

        DurableWorkflow said = Cluster.await(
                misspelt,
                "says that nobody has it",
                found -> found.getStatus() != null && "UnknownWorker".equals(found.getStatus().reason));
        assertThat(said.getStatus().message)
                .contains("'ue'", "Lease perdure-ue", "behind-the-gate, default, eu", "spec.worker");
        assertThat(said.getStatus().conditions)
                .anyMatch(condition -> condition.type.equals("Ready")
                        && condition.status.equals("False")
                        && condition.reason.equals("UnknownWorker"))
                .noneMatch(condition -> condition.type.equals("Stalled"));
        assertThat(Cluster.events(misspelt)).contains("UnknownWorker");
        assertThat(Cluster.get(others).getStatus()).isNull();
        assertThat(Cluster.events(others)).doesNotContain("UnknownWorker");
    }

    private static void claim(String name) {
        Cluster.admin()
                .resource(new LeaseBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .withNamespace(ClusterResource.TEAM_A)
                        .endMetadata()
                        .withNewSpec()
                        .withHolderIdentity("1/1")
                        .endSpec()
                        .build())
                .create();
    }

    @Test
    void a_database_that_is_away_holds_up_its_own_resources_alone() {
        String here = "steps: [{sql: SELECT 1}]";
        awaitPhase(apply(workflow("fleet-before", "worker: behind-the-gate\n" + here)), Phase.SUCCEEDED);
        gate.shut();
        DurableWorkflow waiting;
        try {
            waiting = apply(workflow("fleet-waiting", "worker: behind-the-gate\n" + here));
            awaitPhase(apply(workflow("fleet-others", here)), Phase.SUCCEEDED);
            assertThat(Cluster.get(waiting).getStatus() == null
                            || Cluster.get(waiting).getStatus().phase != Phase.SUCCEEDED)
                    .isTrue();
        } finally {
            gate.open();
        }
        awaitPhase(waiting, Phase.SUCCEEDED);
    }
}
