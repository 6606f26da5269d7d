package dev.perdure.kubernetes;

import static dev.perdure.kubernetes.Cluster.admin;
import static dev.perdure.kubernetes.Cluster.patiently;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.WorkerTerms;
import dev.perdure.fleet.Databases;
import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.kubernetes.api.StatusCondition;
import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.NeedsKubernetes;
import dev.perdure.testing.Slow;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Schedules in the whole application; what is decided when is the business of {@link ScheduleDecisionTest}. */
@NeedsKubernetes
@QuarkusTest
@TestProfile(ClusterProfile.class)
@Slow("an API server, and schedules of a minute")
class DurableScheduleTest {

    @ConfigProperty(name = "perdure.database.url")
    String database;

    @Inject
    Databases databases;

    @Test
    void a_run_is_created_at_its_minute_once_whoever_leads() throws SQLException {
        DurableSchedule schedule = apply("minutely", "* * * * *", "k8s_app");
        patiently("the first run has succeeded")
                .until(() -> get(schedule).getStatus() != null && get(schedule).getStatus().lastSuccessfulTime != null);
        WorkerTerms.loseLeadership(databases.all().get(0).engine());
        DurableSchedule after = get(schedule);

        List<DurableWorkflow> runs = runs("minutely");
        Instant scheduled = Instant.parse(String.valueOf(after.getStatus().lastScheduleTime));
        assertThat(runs)
                .extracting(run -> run.getMetadata().getName())
                .contains("minutely-" + scheduled.getEpochSecond() / 60);
        DurableWorkflow run = runs.get(0);
        assertThat(run.getMetadata().getOwnerReferences()).singleElement().satisfies(owner -> assertThat(owner.getUid())
                .isEqualTo(schedule.getMetadata().getUid()));
        assertThat(run.getMetadata().getLabels())
                .containsEntry("perdure.dev/schedule", "minutely")
                .containsEntry("team", "a");
        assertThat(after.getStatus().nextScheduleTime)
                .isEqualTo(scheduled.plusSeconds(60).toString());
        for (DurableWorkflow one : runs) {
            Cluster.awaitPhase(one, Phase.SUCCEEDED);
            assertThat(new Cluster(database).instances(one)).isEqualTo(1);
        }
        admin().resource(schedule).delete();
    }

    @Test
    void a_suspended_schedule_has_no_next_time() {
        DurableSchedule schedule =
                apply("suspended", "* * * * *\"\n  suspend: true\n  timeZone: \"Asia/Tokyo", "k8s_app");

        patiently("accepted").until(() -> condition(schedule) != null);

        assertThat(condition(schedule).status).isEqualTo("True");
        assertThat(get(schedule).getStatus().nextScheduleTime).isNull();
        assertThat(runs("suspended")).isEmpty();
    }

    @Test
    void what_is_no_schedule_is_refused() {
        DurableSchedule cron = apply("no-cron", "61 * * * *", "k8s_app");
        DurableSchedule role = apply("no-role", "* * * * *", "k8s_etl");

        patiently("refused").until(() -> condition(cron) != null && condition(role) != null);

        assertThat(condition(cron).status).isEqualTo("False");
        assertThat(condition(cron).message).startsWith("spec.schedule: '61 * * * *' is no cron expression");
        assertThat(condition(role).status).isEqualTo("False");
        assertThat(condition(role).message).startsWith("spec.workflowTemplate.spec.role: Namespace team-a may not use");
    }

    @Test
    void a_schedule_whose_runs_the_api_server_refuses_says_so_and_is_accepted_when_it_is_put_right() {
        String name = "odd-label";
        DurableSchedule schedule = apply(name, "* * * * *", "k8s_app", "b c!");
        patiently("refused").until(() -> condition(schedule) != null);

        assertThat(condition(schedule).status).isEqualTo("False");
        assertThat(condition(schedule).reason).isEqualTo("RunRefused");
        assertThat(condition(schedule).message).contains("metadata.labels").contains("b c!");
        assertThat(get(schedule).getStatus().nextScheduleTime).isNull();
        patiently("an event").until(() -> events(schedule).contains("RunRefused"));

        apply(name, "* * * * *", "k8s_app", "b");
        patiently("accepted").until(() -> "True".equals(condition(schedule).status));
        assertThat(Instant.parse(String.valueOf(get(schedule).getStatus().nextScheduleTime)))
                .isAfter(Instant.now());
        admin().resource(schedule).delete();
    }

    @Test
    void a_schedule_whose_run_is_refused_when_it_is_due_says_so_and_makes_up_for_it() {
        DurableSchedule schedule = apply("no-right", "* * * * *", "k8s_app");
        patiently("accepted").until(() -> condition(schedule) != null);
        KubernetesServer.get().withdraw(ClusterResource.TEAM_A, "create");
        try {
            patiently("stalled").until(() -> get(schedule).getStatus().conditions.stream()
                    .anyMatch(found -> found.type.equals("Stalled") && found.reason.equals("RunRefused")));
            assertThat(Instant.parse(String.valueOf(get(schedule).getStatus().nextScheduleTime)))
                    .as("the next time lies ahead")
                    .isAfter(Instant.now());
        } finally {
            KubernetesServer.get().grantOperator(ClusterResource.TEAM_A);
        }

        patiently("a run has succeeded").until(() -> get(schedule).getStatus().lastSuccessfulTime != null);
        assertThat(get(schedule).getStatus().conditions).noneMatch(found -> found.type.equals("Stalled"));
        admin().resource(schedule).delete();
    }

    @Test
    void a_changed_expression_makes_up_for_no_time_before_the_change() {
        DurableSchedule schedule = apply("changed", "0 0 1 1 *", "k8s_app");
        patiently("accepted").until(() -> condition(schedule) != null);
        // Midnight of today was a time of this one, and it was before the schedule was made: both must not run.
        apply("changed", "0 0 * * *", "k8s_app");
        patiently("looked at").until(() -> "0 0 * * * UTC".equals(get(schedule).getStatus().observedSchedule));

        assertThat(get(schedule).getStatus().scheduleChangedAt).isNotNull();
        assertThat(get(schedule).getStatus().lastScheduleTime).isNull();
        assertThat(runs("changed")).isEmpty();
        admin().resource(schedule).delete();
    }

    private static List<String> events(DurableSchedule schedule) {
        return admin()
                .v1()
                .events()
                .inNamespace(ClusterResource.TEAM_A)
                .withField("involvedObject.uid", schedule.getMetadata().getUid())
                .list()
                .getItems()
                .stream()
                .map(io.fabric8.kubernetes.api.model.Event::getReason)
                .toList();
    }

    @Test
    void a_name_that_is_too_long_for_the_names_of_runs_is_refused_by_the_api_server() {
        try {
            apply("x".repeat(53), "* * * * *", "k8s_app");
        } catch (KubernetesClientException e) {
            assertThat(e.getMessage()).contains("52 characters");
            return;
        }
        throw new AssertionError("the API server takes it");
    }

    private static DurableSchedule apply(String name, String cron, String role) {
        return apply(name, cron, role, "a");
    }

    private static DurableSchedule apply(String name, String cron, String role, String label) {
        DurableSchedule schedule = Serialization.unmarshal(
                """
                apiVersion: perdure.dev/v1alpha1
                kind: DurableSchedule
                metadata: {name: %s, namespace: team-a}
                spec:
                  schedule: "%s"
                  workflowTemplate:
                    metadata: {labels: {team: "%s"}}
                    spec: {role: %s, steps: [{sql: SELECT 1}]}
                """
                        .formatted(name, cron, label, role),
                DurableSchedule.class);
        schedule.setStatus(null);
        return admin().resource(schedule).fieldManager("kubectl").serverSideApply();
    }

    private static DurableSchedule get(DurableSchedule schedule) {
        return admin().resource(schedule).get();
    }

    private static @Nullable StatusCondition condition(DurableSchedule schedule) {
        return get(schedule).getStatus() == null
                ? null
                : get(schedule).getStatus().conditions.stream().findFirst().orElse(null);
    }

    private static List<DurableWorkflow> runs(String schedule) {
        return admin().resources(DurableWorkflow.class)
                .inNamespace(ClusterResource.TEAM_A)
                .withLabel(DurableWorkflow.SCHEDULE, schedule)
                .list()
                .getItems();
    }
}
