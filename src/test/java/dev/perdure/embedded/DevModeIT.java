package dev.perdure.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The first command of the README, in a copy of the checkout: classes are loaded in other ways there than everywhere else. */
class DevModeIT {

    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final Pattern LISTENING = Pattern.compile("Listening on: (http://\\S+)");

    @TempDir
    private Path folder;

    private Process maven;
    private Path log;
    private int port;
    private int webPort;

    @BeforeEach
    void begin() throws IOException {
        Assumptions.assumeFalse(
                System.getProperty("os.name").startsWith("Windows"), "the wrapper is called as a shell script");
        for (String part : List.of("pom.xml", "mvnw", ".mvn", "README.md", "src/main")) {
            copy(Path.of(part), folder.resolve(part));
        }
        port = FreePort.find();
        webPort = FreePort.find();
        log = folder.resolve("log");
        maven = new ProcessBuilder(
                        folder.resolve("mvnw").toString(),
                        "-B",
                        "quarkus:dev",
                        "-Dquarkus.http.port=0",
                        "-Ddebug=false",
                        "-Dperdure.embedded-port=" + port,
                        "-Dperdure.web.port=" + webPort)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.createDirectories(target.getParent());
                    Files.copy(file, target);
                    target.toFile().setExecutable(Files.isExecutable(file));
                }
            }
        }
    }

    @AfterEach
    void end() throws InterruptedException {
        List<ProcessHandle> children = maven.descendants().toList();
        children.forEach(ProcessHandle::destroy);
        maven.destroy();
        for (ProcessHandle child : children) {
            child.onExit()
                    .orTimeout(30, TimeUnit.SECONDS)
                    .exceptionally(e -> child)
                    .join();
        }
        maven.waitFor();
    }

    @Test
    void a_workflow_runs_a_moment_after_the_first_command_and_one_is_led_to_the_dashboard() throws Exception {
        Awaitility.await("a workflow has run in development mode")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(500))
                .failFast("quarkus:dev ended", () -> !maven.isAlive())
                .untilAsserted(() -> assertThat(ended()).as(said()).isEqualTo("completed"));

        assertThat(get("http://localhost:" + webPort + "/")).contains("<pd-main>");
        assertThat(said()).contains("The dashboard is at http://localhost:" + webPort);
        // The page Readme of Quarkus' Dev UI (ADR 220).
        Matcher quarkus = LISTENING.matcher(said());
        assertThat(quarkus.find()).as(said()).isTrue();
        assertThat(get(quarkus.group(1) + "/q/dev-ui/devui-data.js")).contains("<http://localhost:8090>");
    }

    private static String get(String url) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .timeout(Duration.ofSeconds(30))
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private String ended() {
        DatabaseUrl url = DatabaseUrl.parse("postgresql://app@127.0.0.1:" + port + "/app");
        try (Connection session = url.connect();
                Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery("SELECT max(status) FROM df.list_instances()")) {
            row.next();
            return String.valueOf(row.getString(1));
        } catch (SQLException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private String said() throws IOException {
        String all = Files.readString(log, StandardCharsets.UTF_8);
        return all.substring(Math.max(0, all.length() - 3000));
    }
}
