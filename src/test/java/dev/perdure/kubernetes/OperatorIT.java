package dev.perdure.kubernetes;

import static dev.perdure.kubernetes.Cluster.apply;
import static dev.perdure.kubernetes.Cluster.awaitPhase;
import static dev.perdure.kubernetes.Cluster.patiently;
import static dev.perdure.kubernetes.Cluster.workflow;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.NeedsKubernetes;
import dev.perdure.testing.TcpGate;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.TroubledApi;
import dev.perdure.testing.WorkerProcess;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Worker processes that are killed, and an API server that is away. */
@NeedsKubernetes
class OperatorIT {

    private final KubernetesServer server = KubernetesServer.get();
    private TestDatabase database;
    private Cluster cluster;

    @BeforeEach
    void begin() {
        for (String namespace : List.of(ClusterResource.TEAM_A, ClusterResource.TEAM_B)) {
            server.createNamespace(namespace);
            server.grantOperator(namespace);
            server.releaseClaims(namespace);
            // What another test left belongs to another database.
            Cluster.admin()
                    .resources(DurableWorkflow.class)
                    .inNamespace(namespace)
                    .list()
                    .getItems()
                    .forEach(left -> {
                        Cluster.handle(left).edit(resource -> {
                            resource.getMetadata().setFinalizers(List.of());
                            return resource;
                        });
                        Cluster.handle(left).delete();
                    });
        }
        database = ClusterResource.database();
        cluster = new Cluster(database.url().toString());
    }

    @Test
    void a_worker_killed_between_the_start_of_an_instance_and_its_status_leaves_one_instance() throws SQLException {
        DurableWorkflow applied;
        try (WorkerProcess first = worker(server.url())) {
            first.awaitLeader();
            // The status cannot be written: whatever comes before has happened then.
            server.withdrawStatus(ClusterResource.TEAM_A);
            applied = apply(workflow("killed", "steps: [{sql: SELECT 1}]"));
            patiently("df.start has committed").until(() -> cluster.instances(applied) == 1);
            first.kill();
        } finally {
            server.grantOperator(ClusterResource.TEAM_A);
        }
        String id = cluster.value(
                "SELECT id FROM df.instances WHERE idempotency_key = ?",
                applied.getMetadata().getUid());

        try (WorkerProcess second = worker(server.url())) {
            second.awaitLeader();
            assertThat(awaitPhase(applied, Phase.SUCCEEDED).getStatus().instanceId)
                    .isEqualTo(id);
        }
        assertThat(cluster.instances(applied)).isEqualTo(1);
    }

    @Test
    void a_standby_goes_on_where_a_killed_leader_was() throws SQLException {
        int many = 40;
        List<DurableWorkflow> all = new ArrayList<>();
        try (WorkerProcess leader = worker(server.url()).awaitLeader();
                WorkerProcess standby = worker(server.url()).awaitReady()) {
            for (int i = 0; i < many; i++) {
                all.add(apply(workflow("failover-" + i, "steps: [{sql: SELECT 1}, {sleep: 1s}, {sql: SELECT 2}]")));
                if (i == many / 2) {
                    leader.kill();
                }
            }
            standby.awaitLeader();
            for (DurableWorkflow resource : all) {
                awaitPhase(resource, Phase.SUCCEEDED);
                assertThat(cluster.instances(resource)).isEqualTo(1);
            }
        }
    }

    @Test
    void an_api_server_that_is_away_keeps_nothing_from_working_and_is_found_when_it_is_back() throws SQLException {
        try (TcpGate gate = new TcpGate(URI.create(server.url()).getPort());
                WorkerProcess worker = worker("https://127.0.0.1:" + gate.port())) {
            worker.awaitLeader();
            assertThat(worker.health("ready")).isEqualTo(200);
            assertThat(worker.health("live")).isEqualTo(200);
            database.execute("k8s_app", "SELECT df.start('SELECT 1', 'without Kubernetes')");
            patiently("SQL is executed").until(() -> "completed"
                    .equals(cluster.value("SELECT status FROM df.instances WHERE label = 'without Kubernetes'")));
            DurableWorkflow early = apply(workflow("early", "steps: [{sql: SELECT 1}]"));

            gate.open();
            awaitPhase(early, Phase.SUCCEEDED);

            gate.shut();
            DurableWorkflow later = apply(workflow("later", "steps: [{sql: SELECT 1}]"));
            assertThat(worker.health("ready")).isEqualTo(200);
            gate.open();
            awaitPhase(later, Phase.SUCCEEDED);
        }
    }

    @Test
    void an_api_server_that_is_slow_and_in_trouble_costs_time_and_nothing_else() throws Exception {
        try (TroubledApi api = new TroubledApi(server.url());
                WorkerProcess worker = worker(api.url())) {
            worker.awaitLeader();
            DurableWorkflow endless = apply(workflow("endless", "steps: [{sleep: 1h}]"));
            awaitPhase(endless, Phase.RUNNING);

            api.begin(Duration.ofSeconds(2), 4);
            List<DurableWorkflow> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                String orphan = i % 2 == 0 ? "" : "\ndeletionPolicy: Orphan";
                all.add(apply(workflow("slow-" + i, "steps: [{sql: SELECT 1}, {sql: SELECT 2}]" + orphan)));
            }
            Cluster.handle(endless).delete();
            database.execute("k8s_app", "SELECT df.start('SELECT 1', 'beside a slow API server')");
            patiently("SQL is executed").until(() -> "completed"
                    .equals(cluster.value("SELECT status FROM df.instances WHERE label = 'beside a slow API server'")));

            patiently("all troubles were met").until(() -> api.made().size() == TroubledApi.Trouble.values().length);
            for (DurableWorkflow resource : all) {
                awaitPhase(resource, Phase.SUCCEEDED);
                assertThat(cluster.instances(resource)).isEqualTo(1);
            }
            Cluster.awaitGone(endless);
            assertThat(cluster.value(
                            "SELECT status FROM df.instances WHERE idempotency_key = ?",
                            endless.getMetadata().getUid()))
                    .isEqualTo("cancelled");
            assertThat(worker.health("ready")).isEqualTo(200);
            assertThat(worker.health("live")).isEqualTo(200);
            assertThat(worker.log().lines().filter(line -> line.startsWith("\tat ")))
                    .as("stack traces")
                    .isEmpty();
        }
    }

    @Test
    void a_resource_whose_database_is_gone_says_so_and_goes_by_its_annotation() throws Exception {
        DurableWorkflow applied;
        try (TcpGate gate = new TcpGate(database.url().hosts().get(0).port());
                WorkerProcess worker = worker(server.url(), throughGate(gate))) {
            gate.open();
            worker.awaitLeader();
            applied = apply(workflow("lost", "steps: [{sleep: 1h}]"));
            awaitPhase(applied, Phase.RUNNING);

            gate.shut();
            worker.awaitHealth("group/leader", false);
            Cluster.handle(applied).delete();
            patiently("an event says what to do")
                    .until(() -> Cluster.events(applied).contains("DatabaseUnavailable"));
            forceDelete(applied);

            Cluster.awaitGone(applied);
            assertThat(worker.log().lines().filter(line -> line.startsWith("\tat ")))
                    .as("stack traces")
                    .isEmpty();
        }
        assertThat(cluster.value(
                        "SELECT status FROM df.instances WHERE idempotency_key = ?",
                        applied.getMetadata().getUid()))
                .as("what became of the instance")
                .isEqualTo("running");
    }

    @Test
    void so_it_does_with_a_worker_that_never_saw_the_database() throws Exception {
        DurableWorkflow applied;
        try (WorkerProcess first = worker(server.url())) {
            first.awaitLeader();
            applied = apply(workflow("left", "steps: [{sleep: 1h}]"));
            awaitPhase(applied, Phase.RUNNING);
            first.kill();
        }
        Cluster.handle(applied).delete();
        forceDelete(applied);

        try (TcpGate never = new TcpGate(database.url().hosts().get(0).port());
                WorkerProcess second = worker(server.url(), throughGate(never))) {
            Cluster.awaitGone(applied);
            assertThat(second.health("group/leader")).isEqualTo(503);
        }
    }

    @Test
    void a_resource_that_no_version_can_read_is_there_when_a_worker_starts_and_stops_nothing() {
        String api = "/apis/perdure.dev/v1alpha1/namespaces/team-a/durableworkflows";
        String deep = "{\"d\":".repeat(3_000) + "1" + "}".repeat(3_000);
        Cluster.admin()
                .raw(
                        api,
                        "POST",
                        "{\"apiVersion\":\"perdure.dev/v1alpha1\",\"kind\":\"DurableWorkflow\",\"metadata\":{\"name\":\"deep\"},"
                                + "\"spec\":{\"role\":\"k8s_app\",\"steps\":[{\"http\":{\"url\":\"http://localhost:1/\",\"body\":"
                                + deep + "}}]}}");
        try (WorkerProcess worker = worker(server.url())) {
            worker.awaitLeader();
            awaitPhase(apply(workflow("healthy", "steps: [{sql: SELECT 1}]")), Phase.SUCCEEDED);
            patiently("the deep one is refused")
                    .until(() -> Cluster.admin().raw(api + "/deep").contains("nested deeper than"));
        } finally {
            Cluster.admin().raw(api + "/deep", "DELETE", null);
        }
    }

    @Test
    void a_manifest_of_a_megabyte_and_a_hundred_of_them_are_served_by_a_small_worker() {
        List<DurableWorkflow> all = new ArrayList<>();
        try (WorkerProcess worker = worker(server.url())) {
            worker.awaitLeader();
            String filler = "x".repeat(1_000_000);
            for (int i = 0; i < 100; i++) {
                all.add(apply(workflow("large-" + i, "steps: [{sql: \"SELECT length('" + filler + "')\"}]")));
            }
            DurableWorkflow small = apply(workflow("small", "steps: [{sql: SELECT 1}]"));
            patiently("a small one is served beside them")
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> {
                        DurableWorkflow found = Cluster.get(small);
                        return found != null && found.getStatus() != null && found.getStatus().phase == Phase.SUCCEEDED;
                    });
            all.forEach(resource -> Cluster.await(
                    resource,
                    "has ended",
                    found -> found.getStatus() != null
                            && found.getStatus().phase != null
                            && found.getStatus().phase.isFinal()));
            assertThat(worker.health("live")).isEqualTo(200);
        } finally {
            all.forEach(resource -> Cluster.handle(resource).delete());
        }
    }

    @Test
    void of_two_workers_of_one_name_the_first_ones_database_has_the_resources_until_somebody_decides_otherwise()
            throws Exception {
        TestDatabase another = ClusterResource.database();
        Cluster elsewhere = new Cluster(another.url().toString());
        try (WorkerProcess first = worker(server.url())) {
            awaitPhase(apply(workflow("before", "steps: [{sql: SELECT 1}]")), Phase.SUCCEEDED);
            try (WorkerProcess second = worker(server.url(), another.url())) {
                patiently("the second one says so")
                        .until(() -> second.log().contains("Nothing of namespace team-a is submitted"));
                DurableWorkflow both = apply(workflow("both", "steps: [{sql: SELECT 1}]"));
                awaitPhase(both, Phase.SUCCEEDED);
                assertThat(cluster.instances(both)).isEqualTo(1);
                first.kill();

                DurableWorkflow left = apply(workflow("left-alone", "steps: [{sql: SELECT 1}]"));
                String said = String.valueOf(Cluster.await(
                                left,
                                "says that it is another's",
                                found -> found.getStatus() != null && "OtherDatabase".equals(found.getStatus().reason))
                        .getStatus()
                        .message);
                assertThat(said).contains("Lease perdure-default").contains("worker-name");
                assertThat(Cluster.events(left)).contains("OtherDatabase");
                assertThat(second.get("/q/health/ready"))
                        .contains("\"state\": \"waiting\"")
                        .contains("resources of team-a")
                        .contains("Lease perdure-default");
                assertThat(elsewhere.value("SELECT count(*) FROM df.instances"))
                        .as("what the second one submitted")
                        .isEqualTo("0");

                server.releaseClaims(ClusterResource.TEAM_A);

                DurableWorkflow ended = awaitPhase(left, Phase.SUCCEEDED);
                assertThat(ended.getStatus().conditions).noneMatch(found -> "OtherDatabase".equals(found.reason));
                assertThat(elsewhere.instances(left)).isEqualTo(1);
                assertThat(second.get("/q/health/ready"))
                        .contains("\"state\": \"partly\"")
                        .doesNotContain("resources of team-a")
                        .contains("resources of team-b");
            }
        }
        assertThat(cluster.value("SELECT count(*) FROM df.instances")).isEqualTo("2");
    }

    /** As kubectl annotate does: from what the API server has now. */
    private static void forceDelete(DurableWorkflow resource) {
        Cluster.admin()
                .resources(DurableWorkflow.class)
                .inNamespace(resource.getMetadata().getNamespace())
                .withName(resource.getMetadata().getName())
                .edit(found -> {
                    found.getMetadata().setAnnotations(Map.of(DurableWorkflow.FORCE_DELETE, "true"));
                    return found;
                });
    }

    private DatabaseUrl throughGate(TcpGate gate) {
        return database.url().withHost(new DatabaseUrl.Host("127.0.0.1", gate.port()));
    }

    private WorkerProcess worker(String api) {
        return worker(api, database.url());
    }

    private WorkerProcess worker(String api, DatabaseUrl url) {
        List<String> settings = new ArrayList<>();
        for (Map.Entry<String, String> setting : ClusterResource.settings().entrySet()) {
            settings.add(setting.getKey() + "=" + setting.getValue());
        }
        settings.add(
                ClusterResource.KUBECONFIG + "=" + server.workerKubeconfig(api).toAbsolutePath());
        return WorkerProcess.start(url, settings.toArray(String[]::new));
    }
}
