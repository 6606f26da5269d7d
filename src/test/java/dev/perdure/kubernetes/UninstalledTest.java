package dev.perdure.kubernetes;

import static dev.perdure.kubernetes.Cluster.admin;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.NeedsKubernetes;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where no worker is any more: what deploy/release-resources.sh does. */
@NeedsKubernetes
class UninstalledTest {

    private static final String NAMESPACE = "uninstalled";

    @Test
    void the_script_lets_held_resources_go_and_touches_no_others() throws Exception {
        KubernetesServer.get().createNamespace(NAMESPACE);
        DurableWorkflow held = create("held", DurableWorkflow.FINALIZER);
        DurableWorkflow other = create("other", "example.com/theirs");
        Cluster.handle(held).delete();
        Cluster.handle(other).delete();
        assertThat(Cluster.get(held)).isNotNull();

        String answer = run(NAMESPACE);

        assertThat(answer).contains("/held patched").doesNotContain("other");
        assertThat(Cluster.get(held)).isNull();
        assertThat(Cluster.get(other)).isNotNull();
        admin().resources(DurableWorkflow.class)
                .inNamespace(NAMESPACE)
                .withName("other")
                .edit(resource -> {
                    resource.getMetadata().setFinalizers(List.of());
                    return resource;
                });
    }

    private static DurableWorkflow create(String name, String finalizer) {
        DurableWorkflow resource = Serialization.unmarshal(
                Cluster.workflow(NAMESPACE, name, "k8s_app", "worker: gone\nsteps: [{sql: SELECT 1}]"),
                DurableWorkflow.class);
        resource.getMetadata().setFinalizers(List.of(finalizer));
        resource.setStatus(null);
        return admin().resource(resource).create();
    }

    private static String run(String namespace) throws IOException, InterruptedException {
        Path config = Files.writeString(
                Files.createTempFile("perdure-kubectl", ".config"),
                KubernetesServer.get().kubeconfig("default"));
        Path kubectl = KubernetesServer.get().kubectl().orElseThrow();
        ProcessBuilder builder =
                new ProcessBuilder("bash", "deploy/release-resources.sh", namespace).redirectErrorStream(true);
        builder.environment().put("KUBECONFIG", config.toString());
        builder.environment()
                .put("PATH", kubectl.getParent() + ":" + builder.environment().get("PATH"));
        Process process = builder.start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(answer).isZero();
        return answer;
    }
}
