package dev.perdure.kubernetes;

import static dev.perdure.kubernetes.Cluster.admin;
import static dev.perdure.kubernetes.Cluster.apply;
import static dev.perdure.kubernetes.Cluster.workflow;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.testing.NeedsKubernetes;
import dev.perdure.testing.Slow;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever the API server takes, other resources are served beside it, and after a restart. */
@NeedsKubernetes
@QuarkusTest
@TestProfile(ClusterProfile.class)
@Slow("an API server, and whatever random manifest it accepts")
class AnythingTheApiServerTakesTest {

    private static final String API = "/apis/perdure.dev/v1alpha1/namespaces/team-a/";
    private static final Duration SERVED = Duration.ofSeconds(20);
    /** So many odd ones come at once; they stay while those after them are tried. */
    private static final int TOGETHER = 10;

    private final List<String> created = new ArrayList<>();
    private int healthy;

    @AfterEach
    void remove() {
        for (String path : created) {
            if (admin().raw(path) != null) {
                admin().raw(path, "DELETE", null);
            }
        }
    }

    @Test
    void a_number_that_no_integer_holds_keeps_no_other_workflow_from_being_served() throws Exception {
        create(
                "durableworkflows",
                "number",
                manifest(
                        "DurableWorkflow",
                        "{\"role\":\"k8s_app\",\"steps\":[{\"retry\":{\"maxAttempts\":3000000000,\"steps\":[{\"sql\":\"SELECT 1\"}]}}]}"));

        assertThatAHealthyOneIsServed("a number");
    }

    @Test
    void every_field_of_a_workflow() throws Exception {
        tryAll(
                "durableworkflows",
                manifest("DurableWorkflow", "{\"role\":\"k8s_app\",\"steps\":[{\"sql\":\"SELECT 1\"}]}"));
    }

    @Test
    void every_field_of_a_schedule() throws Exception {
        tryAll(
                "durableschedules",
                manifest(
                        "DurableSchedule",
                        "{\"schedule\":\"0 0 1 1 *\",\"workflowTemplate\":{\"spec\":{\"role\":\"k8s_app\",\"steps\":[{\"sql\":\"SELECT 1\"}]}}}"));
    }

    private void tryAll(String plural, ObjectNode base) throws Exception {
        int taken = 0;
        int number = 0;
        List<OddValues.Odd> all = OddValues.of(plural, base);
        List<String> beside = new ArrayList<>();
        for (OddValues.Odd odd : all) {
            if (create(plural, "odd-" + number++, odd.manifest())) {
                taken++;
                beside.add(odd.what());
            }
            if (beside.size() == TOGETHER) {
                assertThatAHealthyOneIsServed(String.join("; ", beside));
                beside.clear();
            }
        }
        assertThatAHealthyOneIsServed(String.join("; ", beside));
        System.out.printf("%s: %d of %d odd manifests were taken%n", plural, taken, all.size());
        assertThat(taken).as("manifests that the API server took").isGreaterThan(all.size() / 8);
        for (String path : created) {
            Cluster.patiently(path + " has a condition").until(() -> hasCondition(path));
        }
    }

    private boolean hasCondition(String path) throws Exception {
        String found = admin().raw(path);
        // One with a time to live is gone already.
        return found == null
                || !OddValues.JSON.readTree(found).at("/status/conditions").isEmpty();
    }

    private boolean create(String plural, String name, ObjectNode manifest) throws Exception {
        ((ObjectNode) manifest.get("metadata")).put("name", name);
        try {
            admin().raw(API + plural, "POST", OddValues.JSON.writeValueAsString(manifest));
            created.add(API + plural + "/" + name);
            return true;
        } catch (KubernetesClientException e) {
            // It says no: nothing reaches the worker.
            return false;
        }
    }

    private void assertThatAHealthyOneIsServed(String beside) {
        DurableWorkflow resource = apply(workflow("healthy-" + healthy++, "steps: [{sql: SELECT 1}]"));
        org.awaitility.Awaitility.await("a healthy resource beside: " + beside)
                .atMost(SERVED)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> {
                    DurableWorkflow found = Cluster.get(resource);
                    return found != null && found.getStatus() != null && found.getStatus().phase == Phase.SUCCEEDED;
                });
        Cluster.handle(resource).delete();
    }

    private static ObjectNode manifest(String kind, String spec) throws Exception {
        ObjectNode manifest = OddValues.JSON.createObjectNode();
        manifest.put("apiVersion", "perdure.dev/v1alpha1").put("kind", kind);
        manifest.putObject("metadata").put("namespace", "team-a");
        manifest.set("spec", OddValues.JSON.readTree(spec));
        return manifest;
    }
}
