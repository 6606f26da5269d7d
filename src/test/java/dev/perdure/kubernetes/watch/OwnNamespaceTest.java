package dev.perdure.kubernetes.watch;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OwnNamespaceTest {

    @ParameterizedTest(name = "\"{0}\" means {1}")
    @CsvSource({"'', default", "', namespace: team', team"})
    void a_kubeconfig_without_a_namespace_means_default(String member, String expected) {
        Config config = Config.fromKubeconfig(
                """
                apiVersion: v1
                kind: Config
                clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
                users: [{name: u, user: {token: t}}]
                contexts: [{name: x, context: {cluster: c, user: u%s}}]
                current-context: x
                """
                        .formatted(member));
        try (KubernetesClient client =
                new KubernetesClientBuilder().withConfig(config).build()) {
            assertThat(new ApiServer((java.util.function.Supplier<KubernetesClient>) () -> client, new ServerClock())
                            .ownNamespace())
                    .isEqualTo(expected);
        }
    }
}
