package dev.perdure.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The manifests under {@code k8s/} and {@code deploy/examples}, as far as it can be told without a cluster. */
class ManifestsTest {

    /** Of other projects; their schemas are not here. */
    private static final Set<String> FOREIGN =
            Set.of("Certificate", "Cluster", "Policy", "PodMonitor", "PostgresCluster", "postgresql");

    private static final Set<String> KUSTOMIZE = Set.of("Kustomization", "Component");

    static List<Manifest> manifests() {
        return Stream.of("k8s", "deploy/examples", "src/test/resources/helm")
                .flatMap(folder -> Manifest.below(Path.of(folder)).stream())
                .toList();
    }

    static List<Manifest> kustomizations() {
        return manifests().stream()
                .filter(manifest -> KUSTOMIZE.contains(manifest.kind()))
                .toList();
    }

    static List<Manifest> workloads() {
        return manifests().stream()
                .filter(manifest -> Set.of("Deployment", "StatefulSet").contains(manifest.kind()))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("manifests")
    void each_has_only_members_that_its_kind_knows(Manifest manifest) {
        assertThat(manifest.content()).containsKeys("apiVersion", "kind");
        if (manifest.strict().isEmpty()) {
            assertThat(manifest.kind())
                    .as("a kind that Kubernetes does not have")
                    .matches(kind -> FOREIGN.contains(kind) || KUSTOMIZE.contains(kind));
        }
    }

    @Test
    void a_misspelt_member_would_be_found() {
        Manifest wrong = Manifest.of(
                        Path.of("wrong.yaml"),
                        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec:"
                                + " {containers: [{name: x, readinesProbe: {}}]}}}}")
                .get(0);
        assertThatThrownBy(wrong::strict).hasMessageContaining("readinesProbe");
    }

    @ParameterizedTest
    @MethodSource("kustomizations")
    void each_kustomization_names_files_that_exist(Manifest kustomization) {
        Path folder = kustomization.file().getParent();
        Stream.of("resources", "components")
                .map(kustomization::at)
                .filter(List.class::isInstance)
                .flatMap(list -> ((List<?>) list).stream())
                .forEach(name -> assertThat(folder.resolve(name.toString())).exists());
    }

    @Test
    void every_file_of_the_base_is_a_resource_of_its_kustomization() throws Exception {
        Manifest kustomization =
                Manifest.of(Path.of("k8s/base/kustomization.yaml")).get(0);
        try (Stream<Path> files = Files.list(Path.of("k8s/base"))) {
            assertThat((List<?>) kustomization.at("resources"))
                    .map(Object::toString)
                    .containsExactlyInAnyOrderElementsOf(
                            files.map(file -> file.getFileName().toString())
                                    .filter(name -> !name.equals("kustomization.yaml"))
                                    .toList());
        }
    }

    @Test
    void the_base_names_no_namespace() {
        assertThat(Manifest.below(Path.of("k8s/base")))
                .allSatisfy(manifest ->
                        assertThat(manifest.at("metadata", "namespace")).isNull());
    }

    /** The rules of the Pod Security level <em>restricted</em>, and a root file system that cannot be written. */
    @ParameterizedTest
    @MethodSource("workloads")
    void each_pod_is_restricted(Manifest manifest) {
        PodSpec pod = podOf(manifest.strict().orElseThrow());
        assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
        assertThat(pod.getContainers()).allSatisfy(container -> {
            var security = container.getSecurityContext();
            assertThat(security.getAllowPrivilegeEscalation()).isFalse();
            assertThat(security.getReadOnlyRootFilesystem()).isTrue();
            assertThat(security.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(container.getResources().getRequests()).containsKeys("cpu", "memory");
        });
    }

    @Test
    void the_deployment_probes_what_is_meant_for_probes() {
        Container worker = podOf(Manifest.of(Path.of("k8s/base/deployment.yaml"))
                        .get(0)
                        .strict()
                        .orElseThrow())
                .getContainers()
                .get(0);
        assertThat(Map.of(
                        "live", worker.getLivenessProbe(),
                        "ready", worker.getReadinessProbe(),
                        "started", worker.getStartupProbe()))
                .allSatisfy((name, probe) ->
                        assertThat(probe.getHttpGet().getPath()).isEqualTo("/q/health/" + name));
    }

    private static PodSpec podOf(HasMetadata workload) {
        return workload instanceof Deployment deployment
                ? deployment.getSpec().getTemplate().getSpec()
                : ((StatefulSet) workload).getSpec().getTemplate().getSpec();
    }
}
