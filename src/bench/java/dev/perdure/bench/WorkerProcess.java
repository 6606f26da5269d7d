package dev.perdure.bench;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The packaged worker in a process of its own. */
final class WorkerProcess implements AutoCloseable {

    private final Process process;

    private WorkerProcess(Process process) {
        this.process = process;
    }

    /** One that leads. */
    static WorkerProcess start(Place place, Path log) throws IOException, InterruptedException {
        return start(place, log, "group/leader");
    }

    /** One that waits for the leader to end. */
    static WorkerProcess standby(Place place, Path log) throws IOException, InterruptedException {
        return start(place, log, "ready");
    }

    private static WorkerProcess start(Place place, Path log, String check) throws IOException, InterruptedException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        String jar = System.getProperty("bench.worker", "target/quarkus-app/quarkus-run.jar");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        String options = System.getProperty("bench.java", "");
        if (!options.isBlank()) {
            command.addAll(List.of(options.trim().split("\\s+")));
        }
        command.addAll(List.of("-Dquarkus.http.host=127.0.0.1", "-Dquarkus.http.port=" + port, "-jar", jar));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().putAll(place.settings());
        builder.environment().put("PERDURE_DATABASE_URL", place.owner().toUri());
        WorkerProcess worker = new WorkerProcess(builder.start());
        HttpClient http = HttpClient.newHttpClient();
        HttpRequest health = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/" + check))
                .build();
        for (int i = 0; i < 1200 && worker.process.isAlive(); i++) {
            try {
                if (http.send(health, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
                    return worker;
                }
            } catch (IOException e) {
                // Not listening yet; the loop is bounded.
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        worker.close();
        throw new IllegalStateException("The worker did not get so far (" + check + "):\n" + Files.readString(log));
    }

    /** As a crash does it. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    long pid() {
        return process.pid();
    }

    /** Resident memory, where the system tells. */
    String memory() throws IOException {
        Path status = Path.of("/proc", Long.toString(process.pid()), "status");
        if (!Files.exists(status)) {
            return "memory unknown on this system";
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmHWM") || line.startsWith("VmRSS"))
                .map(line -> line.replaceAll("\\s+", " "))
                .reduce("", (a, b) -> a + " " + b)
                .strip();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (process.waitFor(15, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
    }
}
