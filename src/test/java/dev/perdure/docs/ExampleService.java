package dev.perdure.docs;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import dev.perdure.testing.HttpService;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * The service behind the examples that call {@code http://localhost:9000}: {@code GET /rates/EUR} and {@code POST /embed}
 * answer JSON, {@code POST /files} takes anything, {@code GET /down} answers 503, {@code POST /embeddings} embeds each of
 * its texts, every second time it is asked; otherwise it answers 503.
 * {@code POST /render} is done a moment later and calls back. {@code POST /export} begins what {@code GET /export/state} says is done the second time it is asked.
 */
final class ExampleService implements AutoCloseable {

    private final HttpService service = new HttpService()
            .on("/rates/EUR", 200, "application/json", "{\"currency\": \"EUR\", \"rate\": 1.08}")
            .on("/embed", 200, "application/json", "{\"embedding\": [0.25, 0.5, 0.125]}")
            .on("/files", 201, "application/json", "{\"id\": 1}")
            .on("/down", 503, "text/plain", "try again later")
            .on("/export", 202, "application/json", "{\"id\": 1}")
            .on("/render", this::callsBack)
            .on("/export/state", this::doneTheSecondTime)
            .on("/embeddings", this::everySecondTime);
    private final AtomicInteger embeddings = new AtomicInteger();
    private final AtomicInteger looks = new AtomicInteger();

    /** Requests that arrived at a path. */
    List<HttpService.Received> received(String path) {
        return service.received(path);
    }

    /** Until it is told that it was heard, as services do. */
    private void callsBack(HttpExchange exchange, HttpService.Received received) throws IOException {
        URI done = URI.create(
                new ObjectMapper().readTree(received.body()).path("done").asText());
        HttpService.respond(exchange, 202, "application/json", "{}");
        HttpRequest call = HttpRequest.newBuilder(done)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"pages\": 12}"))
                .build();
        new Thread(() -> callUntilHeard(call), "render").start();
    }

    private static void callUntilHeard(HttpRequest call) {
        try {
            while (HttpClient.newHttpClient()
                            .send(call, HttpResponse.BodyHandlers.discarding())
                            .statusCode()
                    == 503) {
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void doneTheSecondTime(HttpExchange exchange, HttpService.Received received) throws IOException {
        String state = looks.incrementAndGet() % 2 == 0 ? "done" : "working";
        HttpService.respond(exchange, 200, "application/json", "{\"state\": \"" + state + "\"}");
    }

    private void everySecondTime(HttpExchange exchange, HttpService.Received received) throws IOException {
        if (embeddings.incrementAndGet() % 2 == 1) {
            HttpService.respond(exchange, 503, "text/plain", "overloaded");
            return;
        }
        String vectors = StreamSupport.stream(
                        new ObjectMapper()
                                .readTree(received.body())
                                .path("input")
                                .spliterator(),
                        false)
                .map(text -> "[" + text.asText().length() + ", 0.5, 0.125]")
                .collect(Collectors.joining(", "));
        HttpService.respond(exchange, 200, "application/json", "{\"embeddings\": [" + vectors + "]}");
    }

    /** What a worker's {@code perdure.http.allow} must list. */
    String authority() {
        return "localhost:" + service.port();
    }

    /** An example with the service's real port. */
    String inPlaceOfLocalhost(String sql) {
        return sql.replace("localhost:9000", authority());
    }

    @Override
    public void close() {
        service.close();
    }
}
