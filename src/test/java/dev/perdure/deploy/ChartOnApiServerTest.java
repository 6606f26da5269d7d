package dev.perdure.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.NeedsKubernetes;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** What the chart renders, with ordinary and with odd values, and what a real API server says of it, which reads it strictly. */
@NeedsKubernetes
class ChartOnApiServerTest {

    private static final Path CHART = Path.of("deploy", "helm", "perdure");
    private static final Path RENDERED = Path.of("src", "test", "resources", "helm");

    /** The API server of the tests does not know the Prometheus operator. */
    private static final String FOREIGN = "PodMonitor";

    @BeforeAll
    static void namespaces() {
        for (String namespace : List.of("perdure", "team-a", "team-b")) {
            KubernetesServer.get().createNamespace(namespace);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"default.yaml", "everything.yaml"})
    void what_is_committed_is_taken(String file) throws Exception {
        assertThatTheApiServerTakes(Files.readString(RENDERED.resolve(file)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{operator: {enabled: false}, leaderService: {enabled: false}, podDisruptionBudget: {enabled: false}}",
                "{networkPolicy: {publicHttp: false, apiServer: ['10.1.2.3/32'], databasePort: 65535, monitoringNamespace: ''}}",
                "{operator: {namespaces: [team-a], roles: {team-a: ['a,b', 'back\\slash', 'größe', '\"', 'x: y']}}}",
                "{env: [{name: A, value: ''}, {name: B, value: '{{ x }} \"'}], logJson: false, replicas: 0}",
                "{podLabels: {a: '1', b: 'true'}, podAnnotations: {n: '7', e: ''}, nodeSelector: {x: 'null'}}",
                "{image: {repository: 'registry.example.org:5000/a/b', tag: '1.0'}, service: {port: 65535}}",
                "{serviceAccount: {name: other, annotations: {'a.b/c': '{\"k\": [1]}'}}, resources: null}"
            })
    void odd_values_render_what_is_taken(String values) throws Exception {
        assertThatTheApiServerTakes(render("perdure", values));
    }

    @Test
    void a_release_with_the_longest_name_is_taken() throws Exception {
        assertThatTheApiServerTakes(render("x".repeat(52) + "y", "{}"));
        assertThatTheApiServerTakes(render("p-" + "-".repeat(46) + "perdu", "{}"));
    }

    /** As the worker reads its file and the lists in it. */
    @Test
    void names_of_roles_arrive_as_they_were_given() throws Exception {
        String rendered =
                render("perdure", "{operator: {roles: {team-a: ['a,b', 'back\\slash', 'größe', 'x y'], '7': [b]}}}");
        String file = Manifest.of(CHART, rendered).stream()
                .filter(manifest -> manifest.kind().equals("ConfigMap"))
                .map(manifest -> String.valueOf(manifest.at("data", "application.properties")))
                .findFirst()
                .orElseThrow();
        Properties properties = new Properties();
        properties.load(new StringReader(file));

        assertThat(io.smallrye.config.common.utils.StringUtil.split(
                        properties.getProperty("perdure.kubernetes.roles.\"team-a\"")))
                .containsExactly("a,b", "back\\slash", "größe", "x y");
        assertThat(properties).containsEntry("perdure.kubernetes.roles.\"7\"", "b");
    }

    private static String render(String release, String values) throws Exception {
        Optional<String> helm = HelmChartTest.helm();
        assumeThat(helm).as("a helm on the PATH, or HELM").isPresent();
        Path file = Files.writeString(Files.createTempFile("values", ".yaml"), values);
        return HelmChartTest.output(List.of(
                helm.orElseThrow(),
                "template",
                release,
                CHART.toString(),
                "--namespace",
                "perdure",
                "--kube-version",
                "1.34.0",
                "--values",
                file.toString()));
    }

    private static void assertThatTheApiServerTakes(String rendered) throws Exception {
        Optional<Path> kubectl = KubernetesServer.get().kubectl();
        assumeThat(kubectl).as("kubectl").isPresent();
        List<Manifest> manifests = Manifest.of(CHART, rendered).stream()
                .filter(manifest -> !manifest.kind().equals(FOREIGN))
                .toList();
        assertThat(manifests).hasSizeGreaterThan(3);
        Path file = Files.createTempFile("chart", ".yaml");
        Files.writeString(
                file,
                new Yaml().dumpAll(manifests.stream().map(Manifest::content).iterator()));
        Path config = Files.writeString(
                Files.createTempFile("admin", ".kubeconfig"),
                KubernetesServer.get().kubeconfig("perdure"));
        Process process = new ProcessBuilder(
                        kubectl.orElseThrow().toString(),
                        "--kubeconfig",
                        config.toString(),
                        "apply",
                        "--server-side",
                        "--force-conflicts",
                        "--dry-run=server",
                        "--validate=strict",
                        "-f",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said.lines().filter(line -> line.endsWith("serverside-applied (server dry run)")))
                .as(said)
                .hasSize(manifests.size());
    }
}
