package dev.perdure.kubernetes;

import static dev.perdure.kubernetes.Cluster.apply;
import static dev.perdure.kubernetes.Cluster.awaitGone;
import static dev.perdure.kubernetes.Cluster.awaitPhase;
import static dev.perdure.kubernetes.Cluster.has;
import static dev.perdure.kubernetes.Cluster.patiently;
import static dev.perdure.kubernetes.Cluster.refused;
import static dev.perdure.kubernetes.Cluster.workflow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.engine.WorkerTerms;
import dev.perdure.fleet.Databases;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.DurableWorkflowStatus;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.NeedsKubernetes;
import dev.perdure.testing.Slow;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Resources from the first apply to the end, in the whole application, with a real API server and a real PostgreSQL. The worker
 * has the rights of {@code k8s/base/rbac} and no others.
 */
@NeedsKubernetes
@QuarkusTest
@TestProfile(ClusterProfile.class)
@Slow("an API server, and the operator's pauses")
class DurableWorkflowTest {

    @ConfigProperty(name = "perdure.database.url")
    String database;

    @Inject
    Databases databases;

    @Inject
    KubernetesClient worker;

    private Cluster cluster;

    @BeforeEach
    void begin() {
        cluster = new Cluster(database);
    }

    @Test
    void a_manifest_is_run_once_as_its_role_and_its_status_tells_how_it_went() throws SQLException {
        DurableWorkflow applied = apply(
                workflow(
                        "answer",
                        """
                vars:
                  - {name: factor, value: "6"}
                steps:
                  - {sql: "SELECT 7 AS n", name: seven}
                  - {sql: "SELECT $seven * {factor} AS answer, current_user AS me"}
                """));

        DurableWorkflowStatus status = awaitPhase(applied, Phase.SUCCEEDED).getStatus();

        assertThat(status.result).contains("\"answer\":42").contains("\"me\":\"k8s_app\"");
        assertThat(status.progress).isEqualTo("2/2");
        assertThat(status.observedGeneration).isEqualTo(1);
        assertThat(status.startedAt).isNotNull();
        assertThat(status.completedAt).isNotNull();
        assertThat(status.conditions)
                .extracting(condition -> condition.type + "=" + condition.status)
                .containsExactlyInAnyOrder("Accepted=True", "Submitted=True", "Complete=True", "Ready=True");
        assertThat(cluster.value(
                        "SELECT submitted_by || ' ' || label FROM df.instances WHERE id = ?", status.instanceId))
                .isEqualTo("k8s_app team-a/answer");
        assertThat(cluster.instances(applied)).isEqualTo(1);
        patiently("events").untilAsserted(() -> assertThat(Cluster.events(applied))
                .containsExactlyInAnyOrder("Submitted", "Completed"));
    }

    @Test
    void an_instance_waits_for_a_slot_of_the_queue_that_the_resource_names() throws SQLException {
        cluster.execute("k8s_app", "SELECT df.create_queue('cluster', concurrency => 1)");
        DurableWorkflow applied = apply(
                workflow(
                        "queued",
                        """
                queue: {name: cluster, key: tenant 7, priority: 3}
                steps: [{sql: SELECT 1}]
                """));

        String id = awaitPhase(applied, Phase.SUCCEEDED).getStatus().instanceId;

        assertThat(cluster.value(
                        "SELECT concat(s.key, ' ', s.priority, ' ', q.name) FROM df._starts s JOIN df._queues q ON q.id = s.queue"
                                + " WHERE s.instance_id = ?",
                        id))
                .isEqualTo("tenant 7 3 cluster");
    }

    @Test
    void a_definition_is_called_with_arguments_and_found_by_its_attributes() throws SQLException {
        cluster.execute(
                "k8s_app",
                "SELECT df.define('of the cluster', df.sql('SELECT $1::int + 1 AS n', '{n}'), '{\"n\": {\"type\": \"int\", \"required\": true}}')");
        DurableWorkflow applied = apply(
                workflow(
                        "from-a-definition",
                        """
                vars:
                  - {name: given, value: "41"}
                attributes: {customer: 7, of: a definition}
                definition: {name: of the cluster, args: {n: "{given}"}, version: 1}
                """));

        DurableWorkflow ended = awaitPhase(applied, Phase.SUCCEEDED);

        assertThat(ended.getStatus().result).contains("\"n\":42");
        assertThat(
                        cluster.value(
                                "SELECT string_agg(f.instance_id, ',') FROM df.find_instances('{\"attributes\": {\"customer\": 7, \"of\": \"a definition\"}}') AS f"))
                .isEqualTo(ended.getStatus().instanceId);
    }

    @Test
    void a_definition_that_the_role_may_not_call_or_whose_arguments_do_not_fit_fails_with_the_reason()
            throws SQLException {
        cluster.execute("k8s_app", "SELECT df.define('of numbers', 'SELECT {n} AS n', '{\"n\": {\"type\": \"int\"}}')");
        DurableWorkflow unknown = apply(workflow("of-none", "definition: {name: of nobody}"));
        DurableWorkflow odd = apply(workflow("of-numbers", "definition: {name: of numbers, args: {n: many}}"));

        assertThat(awaitPhase(unknown, Phase.FAILED).getStatus().message)
                .contains("definition \"of nobody\" does not exist, or role \"k8s_app\" may not call it");
        assertThat(awaitPhase(odd, Phase.FAILED).getStatus().message).contains("parameter \"n\" is no int");
    }

    @Test
    void a_secret_is_stored_as_a_reference_that_names_its_namespace() throws SQLException {
        DurableWorkflow applied = apply(
                workflow(
                        "secret",
                        """
                vars:
                  - name: token
                    valueFrom: {secretKeyRef: {name: api, key: token}}
                steps: [{sql: SELECT 1}]
                """));

        String id = awaitPhase(applied, Phase.SUCCEEDED).getStatus().instanceId;

        assertThat(cluster.value("SELECT vars ->> 'token' FROM df.instances WHERE id = ?", id))
                .isEqualTo("{{secret:team-a.api/token}}");
    }

    @Test
    void an_expression_of_the_sql_language_is_evaluated_in_a_session_of_the_role() {
        DurableWorkflow applied = apply(
                workflow(
                        "expression",
                        """
                expression: |
                  'SELECT ' || quote_literal(current_user || '/' || session_user) || ' AS who' |=> 'w' ~> 'SELECT $w AS who'
                """));

        assertThat(awaitPhase(applied, Phase.SUCCEEDED).getStatus().result).contains("k8s_app/k8s_app");
    }

    @Test
    void an_expression_that_is_none_is_refused_with_what_the_server_says() throws SQLException {
        DurableWorkflow applied = apply(workflow("no-expression", "expression: \"'SELECT 1' ~>\""));

        DurableWorkflowStatus status = awaitPhase(applied, Phase.FAILED).getStatus();

        assertThat(status.reason).isEqualTo("InvalidDefinition");
        assertThat(status.message).startsWith("spec.expression: ").contains("syntax error");
        assertThat(cluster.instances(applied)).isZero();
    }

    @Test
    void a_failed_step_fails_the_resource_with_its_error() {
        DurableWorkflow applied = apply(workflow("fails", "steps: [{sql: SELECT 1/0}]"));

        DurableWorkflow failed = awaitPhase(applied, Phase.FAILED);

        assertThat(failed.getStatus().reason).isEqualTo("Failed");
        assertThat(failed.getStatus().message).contains("division by zero");
        assertThat(has(failed, "Failed", "True")).isTrue();
        assertThat(has(failed, "Accepted", "True")).isTrue();
    }

    @Test
    void a_name_may_have_253_signs() {
        // Cut at 230 signs, this one ends with a dot.
        DurableWorkflow applied = apply(workflow("a".repeat(229) + "." + "b".repeat(23), "steps: [{sql: SELECT 1}]"));

        awaitPhase(applied, Phase.SUCCEEDED);
        patiently("events").until(() -> Cluster.events(applied).size() == 2);
    }

    @Test
    void a_status_that_somebody_else_has_written_is_put_right() {
        DurableWorkflow applied = apply(workflow("painted", "steps: [{sleep: 1h}]"));
        String id = awaitPhase(applied, Phase.RUNNING).getStatus().instanceId;

        for (String status : java.util.List.of(
                "{\"phase\":\"Succeeded\",\"reason\":\"Completed\",\"completedAt\":\"2026-01-01T00:00:00Z\"}",
                "{\"startedAt\":\"yesterday\",\"completedAt\":\"never\",\"progress\":\"9/9\"}",
                "{\"phase\":null,\"instanceId\":\"00000000\",\"conditions\":null}")) {
            Cluster.admin()
                    .resources(DurableWorkflow.class)
                    .inNamespace(ClusterResource.TEAM_A)
                    .withName("painted")
                    .subresource("status")
                    .patch(
                            io.fabric8.kubernetes.client.dsl.base.PatchContext.of(
                                    io.fabric8.kubernetes.client.dsl.base.PatchType.JSON_MERGE),
                            "{\"status\":" + status + "}");
            Cluster.await(
                    applied,
                    "is put right after " + status,
                    found -> found.getStatus().phase == Phase.RUNNING
                            && id.equals(found.getStatus().instanceId)
                            && found.getStatus().completedAt == null
                            && "0/1".equals(found.getStatus().progress)
                            && has(found, "Reconciling", "True"));
        }
        Cluster.handle(applied).delete();
        awaitGone(applied);
    }

    @Test
    void a_role_that_the_namespace_may_not_use_is_refused() throws SQLException {
        DurableWorkflow applied =
                apply(workflow(ClusterResource.TEAM_A, "foreign-role", "k8s_etl", "steps: [{sql: SELECT 1}]"));

        DurableWorkflow refused = awaitPhase(applied, Phase.FAILED);

        assertThat(has(refused, "Accepted", "False")).isTrue();
        assertThat(refused.getStatus().reason).isEqualTo("RoleNotAllowed");
        assertThat(refused.getStatus().message).contains("perdure.kubernetes.roles.\"team-a\"");
        assertThat(cluster.instances(applied)).isZero();
        assertThat(Cluster.events(applied)).containsExactly("RoleNotAllowed");
        assertThat(awaitPhase(
                                apply(workflow(
                                        ClusterResource.TEAM_B, "own-role", "k8s_etl", "steps: [{sql: SELECT 1}]")),
                                Phase.SUCCEEDED)
                        .getStatus()
                        .instanceId)
                .isNotNull();
    }

    @Test
    void a_definition_that_cannot_be_translated_is_refused_with_the_place() throws SQLException {
        DurableWorkflow applied = apply(
                workflow(
                        "misspelt",
                        """
                steps:
                  - sql: SELECT 1
                  - if: {condition: SELECT true, then: [{sqll: SELECT 2}]}
                """));

        DurableWorkflow refused = awaitPhase(applied, Phase.FAILED);

        assertThat(has(refused, "Accepted", "False")).isTrue();
        assertThat(refused.getStatus().reason).isEqualTo("InvalidDefinition");
        assertThat(refused.getStatus().message).startsWith("spec.steps[1].if.then[0]: unknown kind of step 'sqll'");
        assertThat(cluster.instances(applied)).isZero();
        assertThat(Cluster.events(applied)).containsExactly("InvalidDefinition");
    }

    @Test
    void the_api_server_refuses_what_the_schema_forbids() {
        assertThat(refused(workflow("both", "steps: [{sql: SELECT 1}]\nexpression: \"'SELECT 1'\"")))
                .contains("exactly one of steps, expression and definition");
        assertThat(refused(workflow("neither", "label: x")))
                .contains("exactly one of steps, expression and definition");
        assertThat(refused(workflow("no-role", "steps: [{sql: SELECT 1}]").replace("role: k8s_app", "label: x")))
                .contains("role");
    }

    @Test
    void how_far_its_maps_are_stands_in_the_status() {
        DurableWorkflow applied = apply(
                workflow(
                        "mapped",
                        """
                steps:
                  - map: {items: "SELECT i FROM generate_series(1, 30) AS i", steps: [{sql: "SELECT 1 / ($item - 7)"}], onFailure: continue}
                """));

        assertThat(awaitPhase(applied, Phase.SUCCEEDED).getStatus().items).isEqualTo("30 of 30, 1 failed");
    }

    @Test
    void what_a_workflow_is_cannot_be_changed_and_what_happens_to_it_can() {
        String yaml = workflow(
                "frozen",
                "steps: [{if: {condition: SELECT true, then: [{signal: {name: go}}], else: [{sql: SELECT 1}]}}]");
        DurableWorkflow applied = apply(yaml);

        assertThat(refused(yaml.replace("name: go", "name: stop")))
                .as("a nested step")
                .contains("immutable");
        assertThat(refused(yaml.replace("SELECT true", "SELECT false"))).contains("immutable");
        assertThat(refused(yaml.replace("role: k8s_app", "role: k8s_etl"))).contains("immutable");
        assertThat(refused(yaml + "  label: later\n")).contains("immutable");
        assertThat(refused(yaml + "  vars: [{name: a, value: b}]\n")).contains("immutable");
        apply(yaml + "  ttlSecondsAfterFinished: 3600\n  activeDeadlineSeconds: 3600\n  deletionPolicy: Orphan\n");
        apply(yaml + "  cancel: true\n");
        assertThat(refused(yaml + "  cancel: false\n")).contains("cancel cannot be taken back");
        awaitPhase(applied, Phase.CANCELLED);
    }

    @Test
    void cancel_ends_an_instance_that_waits() {
        String yaml = workflow("waits", "steps: [{sleep: 1h}]");
        DurableWorkflow applied = apply(yaml);
        awaitPhase(applied, Phase.RUNNING);

        apply(yaml + "  cancel: true\n");

        DurableWorkflow cancelled = awaitPhase(applied, Phase.CANCELLED);
        assertThat(cancelled.getStatus().reason).isEqualTo("Cancelled");
        assertThat(has(cancelled, "Failed", "True")).isTrue();
        assertThat(cancelled.getStatus().observedGeneration).isEqualTo(2);
        assertThat(cancelled.getStatus().progress).as("no step has ended").isEqualTo("0/1");
        assertThat(has(cancelled, "Stalled", "True")).isTrue();
    }

    @Test
    void an_instance_that_takes_too_long_is_cancelled() throws SQLException {
        DurableWorkflow applied = apply(workflow("late", "steps: [{sleep: 1h}]\nactiveDeadlineSeconds: 1"));

        DurableWorkflow cancelled = awaitPhase(applied, Phase.CANCELLED);

        assertThat(cancelled.getStatus().reason).isEqualTo("DeadlineExceeded");
        assertThat(cluster.value(
                        "SELECT cancel_reason FROM df.instances WHERE id = ?", cancelled.getStatus().instanceId))
                .contains("activeDeadlineSeconds");
    }

    @Test
    void a_resource_is_deleted_when_its_time_is_over_and_its_instance_stays() throws SQLException {
        DurableWorkflow applied = apply(workflow("short", "steps: [{sql: SELECT 1}]\nttlSecondsAfterFinished: 1"));

        awaitGone(applied);

        assertThat(cluster.value(
                        "SELECT status FROM df.instances WHERE idempotency_key = ?",
                        applied.getMetadata().getUid()))
                .isEqualTo("completed");
    }

    @Test
    void deleting_a_resource_cancels_its_instance_and_waits_for_its_end() throws SQLException {
        DurableWorkflow applied = apply(workflow("deleted", "steps: [{sql: SELECT pg_sleep(3600)}]"));
        awaitPhase(applied, Phase.RUNNING);

        Cluster.handle(applied).delete();
        awaitGone(applied);

        assertThat(cluster.value(
                        "SELECT status || ' ' || output FROM df.instances WHERE idempotency_key = ?",
                        applied.getMetadata().getUid()))
                .startsWith("cancelled canceled: the DurableWorkflow was deleted");
    }

    @Test
    void an_orphan_goes_on_when_its_resource_is_deleted() throws SQLException {
        DurableWorkflow applied = apply(workflow("orphan", "steps: [{sleep: 1h}]\ndeletionPolicy: Orphan"));
        awaitPhase(applied, Phase.RUNNING);

        Cluster.handle(applied).delete();
        awaitGone(applied);

        assertThat(cluster.value(
                        "SELECT status FROM df.instances WHERE idempotency_key = ?",
                        applied.getMetadata().getUid()))
                .isEqualTo("running");
    }

    @Test
    void the_annotation_lets_a_resource_go_whatever_its_instance_does() throws SQLException {
        DurableWorkflow applied = apply(workflow("forced", "steps: [{sleep: 1h}]"));
        awaitPhase(applied, Phase.RUNNING);
        // As kubectl annotate does: from what the API server has now, which the operator has changed since the apply.
        Cluster.admin()
                .resources(DurableWorkflow.class)
                .inNamespace(applied.getMetadata().getNamespace())
                .withName(applied.getMetadata().getName())
                .edit(resource -> {
                    resource.getMetadata().setAnnotations(java.util.Map.of(DurableWorkflow.FORCE_DELETE, "true"));
                    return resource;
                });

        Cluster.handle(applied).delete();
        awaitGone(applied);

        assertThat(cluster.value(
                        "SELECT status FROM df.instances WHERE idempotency_key = ?",
                        applied.getMetadata().getUid()))
                .isEqualTo("running");
    }

    @Test
    void applying_again_changes_nothing_and_conflicts_with_nothing() {
        String yaml = workflow("applied-twice", "steps: [{sql: SELECT 1}]");
        DurableWorkflow done = Cluster.await(
                apply(yaml),
                "has ended and is let go",
                found -> found.getStatus() != null
                        && found.getStatus().phase == Phase.SUCCEEDED
                        && found.getMetadata().getFinalizers().isEmpty());

        DurableWorkflow again = apply(yaml);

        assertThat(again.getMetadata().getResourceVersion())
                .isEqualTo(done.getMetadata().getResourceVersion());
        assertThat(again.getStatus().instanceId).isEqualTo(done.getStatus().instanceId);
    }

    @Test
    void a_resource_for_another_worker_is_left_alone() throws SQLException {
        DurableWorkflow other = apply(workflow("other-worker", "worker: elsewhere\nsteps: [{sql: SELECT 1}]"));
        awaitPhase(apply(workflow("own-worker", "steps: [{sql: SELECT 1}]")), Phase.SUCCEEDED);

        DurableWorkflow found = Cluster.get(other);

        assertThat(found).isNotNull();
        assertThat(found.getMetadata().getFinalizers()).isEmpty();
        assertThat(found.getMetadata().getResourceVersion())
                .isEqualTo(other.getMetadata().getResourceVersion());
        assertThat(cluster.instances(other)).isZero();
    }

    @Test
    void an_instance_that_was_started_and_never_written_down_is_found_again_by_the_next_leader() throws SQLException {
        KubernetesServer server = KubernetesServer.get();
        server.withdrawStatus(ClusterResource.TEAM_A);
        DurableWorkflow applied;
        try {
            applied = apply(workflow("crash", "steps: [{sql: SELECT 1}]"));
            patiently("df.start has committed").until(() -> cluster.instances(applied) == 1);
            assertThat(Cluster.get(applied).getStatus() == null
                            || Cluster.get(applied).getStatus().instanceId == null)
                    .as("the status could not be written")
                    .isTrue();
            WorkerTerms.loseLeadership(databases.all().get(0).engine());
        } finally {
            server.grantOperator(ClusterResource.TEAM_A);
        }

        DurableWorkflow done = awaitPhase(applied, Phase.SUCCEEDED);

        assertThat(cluster.instances(applied)).isEqualTo(1);
        assertThat(done.getStatus().instanceId)
                .isEqualTo(cluster.value(
                        "SELECT id FROM df.instances WHERE idempotency_key = ?",
                        applied.getMetadata().getUid()));
    }

    @Test
    void a_role_that_cannot_log_in_yet_is_waited_for() throws SQLException {
        cluster.execute("postgres", "ALTER ROLE k8s_etl NOLOGIN");
        DurableWorkflow applied;
        try {
            applied = apply(workflow(ClusterResource.TEAM_B, "locked-out", "k8s_etl", "steps: [{sql: SELECT 1}]"));
            DurableWorkflow waiting = awaitPhase(applied, Phase.PENDING);
            assertThat(waiting.getStatus().reason).isEqualTo("LoginFailed");
            assertThat(has(waiting, "Submitted", "False")).isTrue();
        } finally {
            cluster.execute("postgres", "ALTER ROLE k8s_etl LOGIN");
        }

        awaitPhase(applied, Phase.SUCCEEDED);
    }

    @Test
    void the_worker_can_do_nothing_else_in_the_cluster() {
        assertForbidden(
                () -> worker.secrets().inNamespace(ClusterResource.TEAM_A).list());
        assertForbidden(() -> worker.pods().inNamespace(ClusterResource.TEAM_A).list());
        assertForbidden(() ->
                worker.resources(DurableWorkflow.class).inNamespace("default").list());
        assertForbidden(
                () -> worker.resources(DurableWorkflow.class).inAnyNamespace().list());
        assertForbidden(() -> worker.configMaps()
                .inNamespace(ClusterResource.TEAM_A)
                .resource(new ConfigMapBuilder()
                        .withNewMetadata()
                        .withName("x")
                        .endMetadata()
                        .build())
                .create());
    }

    private static void assertForbidden(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(KubernetesClientException.class, e -> assertThat(e.getCode())
                .isEqualTo(403));
    }

    @Test
    void a_thousand_resources_at_once_are_run_once_each() throws SQLException {
        int many = 1000;
        List<DurableWorkflow> all = new ArrayList<>();
        long begin = System.nanoTime();
        for (int i = 0; i < many; i++) {
            all.add(apply(
                    workflow(ClusterResource.TEAM_B, "many-" + i, "k8s_app", "steps: [{sql: SELECT " + i + "}]")));
        }
        long applied = System.nanoTime();

        org.awaitility.Awaitility.await("all have ended")
                .atMost(Duration.ofMinutes(5))
                .pollInterval(Duration.ofSeconds(1))
                .until(
                        () -> Cluster.admin()
                                        .resources(DurableWorkflow.class)
                                        .inNamespace(ClusterResource.TEAM_B)
                                        .list()
                                        .getItems()
                                        .stream()
                                        .filter(found ->
                                                found.getMetadata().getName().startsWith("many-"))
                                        .filter(found ->
                                                found.getStatus() != null && found.getStatus().phase == Phase.SUCCEEDED)
                                        .count()
                                == many);

        System.out.printf(
                "%d resources: applied in %d ms, all succeeded %d ms after the last apply%n",
                many, (applied - begin) / 1_000_000, (System.nanoTime() - applied) / 1_000_000);
        assertThat(
                        cluster.value(
                                "SELECT count(*) || ' ' || count(DISTINCT idempotency_key) FROM df.instances WHERE label LIKE 'team-b/many-%'"))
                .isEqualTo(many + " " + many);
        all.forEach(resource -> Cluster.handle(resource).delete());
    }
}
