package dev.perdure.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.testing.KubernetesServer;
import dev.perdure.testing.NeedsKubernetes;
import dev.perdure.testing.Slow;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Everything on docs/kubernetes.md, in its order: each manifest is applied and has to succeed, each kubectl session answers as it
 * is printed ({@code …} stands for anything).
 */
@NeedsKubernetes
@QuarkusTest
@TestProfile(ClusterProfile.class)
@Slow("each example of the page on an API server")
class KubernetesPageTest {

    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(yaml|console)\\n(.*?)^```");
    private static final Pattern BEFORE = Pattern.compile("(?m)^# before: (.*)$");
    private static final Pattern THEN = Pattern.compile("(?m)^# then: (.*)$");
    private static final String SERVICE = "https://api.example.com";

    private static final AtomicInteger AUTHORIZED = new AtomicInteger();
    private static final AtomicInteger REFUSED = new AtomicInteger();

    private static HttpServer service;

    @ConfigProperty(name = "perdure.database.url")
    String database;

    private Cluster cluster;

    @BeforeAll
    static void begin() throws IOException {
        service = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        service.createContext("/", exchange -> {
            byte[] answer = "{\"ok\": true}".getBytes(StandardCharsets.UTF_8);
            exchange.getRequestBody().readAllBytes();
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        service.createContext("/private", exchange -> {
            boolean authorized = ("Bearer " + ClusterResource.SECRET)
                    .equals(exchange.getRequestHeaders().getFirst("Authorization"));
            REFUSED.addAndGet(authorized ? 0 : 1);
            AUTHORIZED.addAndGet(authorized ? 1 : 0);
            exchange.sendResponseHeaders(authorized ? 204 : 401, -1);
            exchange.close();
        });
        service.start();
    }

    @AfterAll
    static void end() {
        service.stop(0);
    }

    @Test
    void the_page_does_what_it_says() throws Exception {
        cluster = new Cluster(database);
        cluster.execute("postgres", "GRANT CREATE ON SCHEMA public TO app_orders");
        Matcher block = BLOCK.matcher(Files.readString(Path.of("docs", "kubernetes.md")));
        int manifests = 0;
        while (block.find()) {
            if (block.group(1).equals("console")) {
                console(block.group(2));
            } else if (block.group(2).contains("kind: DurableSchedule")) {
                schedule(block.group(2));
                manifests++;
            } else {
                workflow(block.group(2));
                manifests++;
            }
        }
        assertThat(AUTHORIZED).as("requests with the secret").hasValue(1);
        assertThat(REFUSED).as("requests without").hasValue(0);
        assertThat(cluster.value(
                        "SELECT count(*) FROM df.nodes WHERE strpos(nodes::text, ?) > 0", ClusterResource.SECRET))
                .as("nodes that hold the secret")
                .isEqualTo("0");
        assertThat(manifests).as("examples").isGreaterThan(15);
    }

    private void workflow(String yaml) throws SQLException {
        String local = "http://127.0.0.1:" + service.getAddress().getPort();
        DurableWorkflow resource = Serialization.unmarshal(yaml.replace(SERVICE, local), DurableWorkflow.class);
        resource.getMetadata().setNamespace(ClusterResource.TEAM_A);
        resource.setStatus(null);
        Matcher before = BEFORE.matcher(yaml);
        if (before.find()) {
            cluster.execute(resource.getSpec().role, before.group(1));
        }
        DurableWorkflow applied =
                Cluster.admin().resource(resource).fieldManager("kubectl").serverSideApply();
        Matcher then = THEN.matcher(yaml);
        if (then.find()) {
            String id = String.valueOf(Cluster.await(
                            applied,
                            "is submitted",
                            found -> found.getStatus() != null && found.getStatus().instanceId != null)
                    .getStatus()
                    .instanceId);
            cluster.execute(applied.getSpec().role, then.group(1).replace("<instanceId>", id));
        }
        DurableWorkflow ended = Cluster.await(
                applied,
                "ends",
                found -> found.getStatus() != null
                        && found.getStatus().phase != null
                        && found.getStatus().phase.isFinal());
        assertThat(ended.getStatus().phase).as(Serialization.asYaml(ended)).isEqualTo(Phase.SUCCEEDED);
    }

    private static void schedule(String yaml) {
        DurableSchedule schedule = Serialization.unmarshal(yaml, DurableSchedule.class);
        schedule.getMetadata().setNamespace(ClusterResource.TEAM_A);
        schedule.setStatus(null);
        DurableSchedule applied =
                Cluster.admin().resource(schedule).fieldManager("kubectl").serverSideApply();
        Cluster.patiently("a run of the schedule has succeeded").untilAsserted(() -> {
            DurableSchedule found = Cluster.admin().resource(applied).get();
            assertThat(found.getStatus()).isNotNull();
            assertThat(found.getStatus().lastSuccessfulTime)
                    .as(Serialization.asYaml(found))
                    .isNotNull();
        });
        Cluster.admin().resource(applied).delete();
    }

    /** Runs the commands of a session and compares the answers. */
    private static void console(String session) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("perdure-kubectl");
        Path config = Files.writeString(
                folder.resolve("config"), KubernetesServer.get().kubeconfig(ClusterResource.TEAM_A));
        String command = null;
        List<String> promised = new ArrayList<>();
        for (String line : (session + "$ ").lines().toList()) {
            if (!line.startsWith("$ ")) {
                promised.add(line);
                continue;
            }
            if (command != null) {
                String answer = run(command, config);
                String pattern = Pattern.quote(String.join("\n", promised)).replace("…", "\\E.*\\Q");
                assertThat(answer.lines().map(String::stripTrailing).toList())
                        .as("$ " + command)
                        .satisfies(lines -> assertThat(String.join("\n", lines)).matches("(?s)" + loose(pattern)));
            }
            command = line.substring(2);
            promised.clear();
        }
    }

    /** Columns are as wide as what stands in them. */
    private static String loose(String pattern) {
        return pattern.replaceAll(" {2,}", "\\\\E +\\\\Q");
    }

    private static String run(String command, Path config) throws IOException, InterruptedException {
        Optional<Path> kubectl = KubernetesServer.get().kubectl();
        assertThat(kubectl).as("kubectl").isPresent();
        ProcessBuilder builder = new ProcessBuilder("bash", "-c", command).redirectErrorStream(true);
        builder.environment().put("KUBECONFIG", config.toString());
        builder.environment()
                .put(
                        "PATH",
                        kubectl.get().getParent() + ":" + builder.environment().get("PATH"));
        Process process = builder.start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(command + ": " + answer).isZero();
        return answer;
    }
}
