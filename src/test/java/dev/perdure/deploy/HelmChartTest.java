package dev.perdure.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The Helm chart. What it renders is committed ({@code src/test/resources/helm}) and looked at without Helm, here and in
 * {@link ManifestsTest}; that it really renders this is tested where there is a {@code helm} on the PATH, or the environment
 * variable HELM names one.
 */
class HelmChartTest {

    private static final Path CHART = Path.of("deploy", "helm", "perdure");
    private static final Path RENDERED = Path.of("src", "test", "resources", "helm");

    @ParameterizedTest
    @CsvSource({"default, ''", "everything, src/test/resources/helm/everything.values"})
    void the_chart_renders_what_is_committed(String name, String values) throws Exception {
        Optional<String> helm = helm();
        assumeThat(helm).as("a helm on the PATH, or HELM").isPresent();
        List<String> command = new ArrayList<>(List.of(helm.orElseThrow(), "template", "perdure", CHART.toString()));
        command.addAll(List.of("--namespace", "perdure", "--kube-version", "1.34.0"));
        if (!values.isEmpty()) {
            command.addAll(List.of("--values", values));
        }
        assertThat(output(command))
                .as("after a change of the chart: %s > %s/%s.yaml", String.join(" ", command), RENDERED, name)
                .isEqualTo(Files.readString(RENDERED.resolve(name + ".yaml")));
    }

    @Test
    void the_chart_lints_and_refuses_values_that_it_does_not_know() throws Exception {
        Optional<String> helm = helm();
        assumeThat(helm).as("a helm on the PATH, or HELM").isPresent();
        assertThat(output(List.of(helm.orElseThrow(), "lint", "--strict", CHART.toString())))
                .contains("0 chart(s) failed");
        Process wrong = new ProcessBuilder(
                        helm.orElseThrow(), "template", "perdure", CHART.toString(), "--set", "replica=3")
                .redirectErrorStream(true)
                .start();
        String said = new String(wrong.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(wrong.waitFor()).isNotZero();
        assertThat(said).contains("replica");
    }

    @Test
    void the_chart_brings_the_dashboard_on_request() throws Exception {
        Optional<String> helm = helm();
        assumeThat(helm).as("a helm on the PATH, or HELM").isPresent();
        List<String> command = List.of(
                helm.orElseThrow(),
                "template",
                "perdure",
                CHART.toString(),
                "--set",
                "dashboard.enabled=true",
                "--kube-version",
                "1.34.0");
        Manifest configMap = Manifest.of(CHART, output(command)).stream()
                .filter(manifest -> manifest.kind().equals("ConfigMap"))
                .findFirst()
                .orElseThrow();
        assertThat(configMap.strict()).isPresent();
        assertThat(new ObjectMapper().readTree(String.valueOf(configMap.at("data", "perdure.json"))))
                .isEqualTo(new ObjectMapper()
                        .readTree(CHART.resolve("dashboard.json").toFile()));
    }

    /** Two ways to the same pod: a change of one has to be made in the other. */
    @Test
    void without_values_the_chart_makes_the_pod_of_the_base() {
        Manifest base = Manifest.of(Path.of("k8s/base/deployment.yaml")).get(0);
        Manifest chart = Manifest.of(RENDERED.resolve("default.yaml")).stream()
                .filter(manifest -> manifest.kind().equals("Deployment"))
                .findFirst()
                .orElseThrow();
        Object baseSpec = base.content().get("spec");
        Object chartSpec = withoutInstanceLabel(chart.content().get("spec"));
        imageOf(baseSpec).put("image", "perdure");
        assertThat(imageOf(chartSpec).get("image")).asString().startsWith("perdure:");
        imageOf(chartSpec).put("image", "perdure");

        assertThat(chartSpec).isEqualTo(baseSpec);
    }

    @Test
    void the_chart_brings_the_custom_resource_definitions_of_k8s() throws IOException {
        Path committed = Path.of("k8s", "crds");
        assumeThat(committed).as("the custom resources").exists();
        try (Stream<Path> files = Files.list(committed)) {
            for (Path file : files.filter(file -> file.toString().endsWith(".perdure.dev.yaml"))
                    .toList()) {
                assertThat(CHART.resolve("crds").resolve(file.getFileName()))
                        .as("cp %s %s/crds/", file, CHART)
                        .hasSameTextualContentAs(file);
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> imageOf(Object spec) {
        Map<String, Object> template = (Map<String, Object>) ((Map<String, Object>) spec).get("template");
        Map<String, Object> pod = (Map<String, Object>) template.get("spec");
        return (Map<String, Object>) ((List<?>) pod.get("containers")).get(0);
    }

    private static Object withoutInstanceLabel(Object value) {
        if (value instanceof Map<?, ?> map) {
            map.remove("app.kubernetes.io/instance");
            map.values().forEach(HelmChartTest::withoutInstanceLabel);
        } else if (value instanceof List<?> list) {
            list.forEach(HelmChartTest::withoutInstanceLabel);
        }
        return value;
    }

    static Optional<String> helm() {
        return Optional.ofNullable(System.getenv("HELM"))
                .or(() -> Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                        .map(folder -> Path.of(folder, "helm"))
                        .filter(Files::isExecutable)
                        .map(Path::toString)
                        .findFirst());
    }

    static String output(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
        return output;
    }
}
