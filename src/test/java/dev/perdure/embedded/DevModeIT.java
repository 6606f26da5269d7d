package dev.perdure.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import java.io.IOException;
import java.net.ServerSocket;
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

    @TempDir
    private Path folder;

    private Process maven;
    private Path log;
    private int port;

    @BeforeEach
    void begin() throws IOException {
        Assumptions.assumeFalse(
                System.getProperty("os.name").startsWith("Windows"), "the wrapper is called as a shell script");
        for (String part : List.of("pom.xml", "mvnw", ".mvn", "src/main")) {
            copy(Path.of(part), folder.resolve(part));
        }
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        log = folder.resolve("log");
        maven = new ProcessBuilder(
                        folder.resolve("mvnw").toString(),
                        "-B",
                        "quarkus:dev",
                        "-Dquarkus.http.port=0",
                        "-Ddebug=false",
                        "-Dperdure.embedded-port=" + port)
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
    void a_workflow_runs_a_moment_after_the_first_command() {
        Awaitility.await("a workflow has run in development mode")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(500))
                .failFast("quarkus:dev ended", () -> !maven.isAlive())
                .untilAsserted(() -> assertThat(ended()).as(said()).isEqualTo("completed"));
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
