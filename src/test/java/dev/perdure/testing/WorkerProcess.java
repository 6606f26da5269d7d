package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;

/**
 * The packaged worker in a process of its own, which can be killed and stopped. For tests that run after the packaging
 * ({@code *IT}); with the profile {@code native}, the native executable. Its log is {@code target/worker-logs/jvm<fork>-<number>.log}. {@link #close()} leaves no process behind.
 */
public final class WorkerProcess implements AutoCloseable {

    private static final Path JAR = Path.of("target", "quarkus-app", "quarkus-run.jar");
    /** The native executable, where the tests are to run it in place of the application for the JVM. */
    private static final String EXECUTABLE = System.getProperty("perdure.worker.executable", "");

    private static final Path LOGS = Path.of("target", "worker-logs");
    /** Several JVMs run tests beside each other. */
    private static final String FORK = Optional.ofNullable(System.getProperty("test.fork"))
            .map(fork -> fork + "-")
            .orElse("");

    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private static final Duration PATIENCE = Duration.ofSeconds(Long.getLong("faults.patience", 60));

    private final Process process;
    private final int port;
    private final Path log;

    private WorkerProcess(Process process, int port, Path log) {
        this.process = process;
        this.port = port;
        this.log = log;
    }

    /**
     * Starts a worker; nothing is awaited.
     *
     * @param settings further ones, such as {@code perdure.timer.window=1s}
     */
    public static WorkerProcess start(DatabaseUrl database, String... settings) {
        return start(Map.of(), database, settings);
    }

    /** The same with further variables of the environment. */
    public static WorkerProcess start(Map<String, String> environment, DatabaseUrl database, String... settings) {
        // Up sooner, for a short life. What it compiles is slower, above all TLS.
        return start(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1"), environment, database, settings);
    }

    /** The same with other options of the JVM. */
    public static WorkerProcess start(
            List<String> jvm, Map<String, String> environment, DatabaseUrl database, String... settings) {
        try {
            Files.createDirectories(LOGS);
            Path log = LOGS.resolve(FORK + NUMBER.incrementAndGet() + ".log");
            int port = FreePort.find();
            List<String> options =
                    new ArrayList<>(List.of("-Dquarkus.http.host=127.0.0.1", "-Dquarkus.http.port=" + port));
            for (String setting : settings) {
                options.add("-D" + setting);
            }
            List<String> command = EXECUTABLE.isEmpty() ? onTheJvm(jvm, options) : natively(jvm, options);
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
            builder.environment().putAll(environment);
            builder.environment().put("PERDURE_DATABASE_URL", database.toUri());
            return new WorkerProcess(builder.start(), port, log);
        } catch (IOException e) {
            throw new UncheckedIOException("The worker does not start", e);
        }
    }

    private static List<String> onTheJvm(List<String> jvm, List<String> options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:+ExitOnOutOfMemoryError"); // as in Dockerfile.jvm
        command.addAll(jvm);
        command.addAll(options);
        command.addAll(List.of("-jar", packaged(JAR).toString()));
        return command;
    }

    private static List<String> natively(List<String> jvm, List<String> options) {
        List<String> command = new ArrayList<>();
        command.add(packaged(Path.of(EXECUTABLE)).toAbsolutePath().toString());
        jvm.stream().filter(option -> option.startsWith("-Xmx")).forEach(command::add);
        command.addAll(options);
        return command;
    }

    private static Path packaged(Path file) {
        if (!Files.exists(file)) {
            throw new IllegalStateException(file + " is missing: tests of processes run after the packaging");
        }
        return file;
    }

    /** Waits until the worker is ready: it leads or stands by. */
    public WorkerProcess awaitReady() {
        return awaitHealth("ready", true);
    }

    /** Waits until the worker leads. */
    public WorkerProcess awaitLeader() {
        return awaitHealth("group/leader", true);
    }

    /**
     * Waits for an answer of the health endpoint.
     *
     * @param check the path below {@code /q/health}
     */
    public WorkerProcess awaitHealth(String check, boolean up) {
        Awaitility.await(check + (up ? " UP, see " : " DOWN, see ") + log)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> {
                    if (!process.isAlive()) {
                        throw new AssertionError("The worker has ended, see " + log);
                    }
                    return health(check) == (up ? 200 : 503);
                });
        return this;
    }

    /** The status of {@code /q/health/<check>}: 200, 503, or 0 when nobody answers. */
    public int health(String check) {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/" + check))
                .timeout(Duration.ofSeconds(2))
                .build();
        try {
            return HTTP.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (IOException e) {
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }

    /** The body that a path of its HTTP server answers with. */
    public String get(String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(10))
                .build();
        return HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    /** The number of databases that it leads, by its metrics. */
    public int led() throws IOException, InterruptedException {
        return (int) get("/q/metrics")
                .lines()
                .filter(line -> line.matches("perdure_leader\\{.* 1(\\.0)?"))
                .count();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public long pid() {
        return process.pid();
    }

    /** SIGKILL; returns when the process is gone. */
    public void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    /** SIGTERM; nothing is awaited. */
    public void terminate() {
        process.destroy();
    }

    /** SIGSTOP: the process freezes, with all its connections open. */
    public void freeze() {
        signal("STOP");
    }

    /** SIGCONT: a frozen process goes on. */
    public void thaw() {
        signal("CONT");
    }

    /** Waits until the process has ended. */
    public int awaitEnd() {
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("The worker does not end, see " + log);
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** What it has said so far. */
    public String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void signal(String name) {
        try {
            int status = new ProcessBuilder("kill", "-" + name, Long.toString(pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new AssertionError("kill -" + name + " " + pid() + " ended with " + status);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Kills the process if it still runs. */
    @Override
    public void close() {
        kill();
    }
}
