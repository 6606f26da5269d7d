package dev.perdure.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** An HTTP server on a loopback address that remembers what it was asked. Unknown paths are answered with 404. */
public final class HttpService implements AutoCloseable {

    /** A request as it arrived; header names in lower case. */
    public record Received(String method, String path, Map<String, String> headers, byte[] bytes) {

        public String body() {
            return new String(bytes, StandardCharsets.UTF_8);
        }

        public @Nullable String header(String name) {
            return headers.get(name);
        }
    }

    /** Answers a request that has been read. */
    @FunctionalInterface
    public interface Answer {
        void send(HttpExchange exchange, Received received) throws IOException, InterruptedException;
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Received> received = new CopyOnWriteArrayList<>();
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();

    public HttpService() {
        this("127.0.0.1");
    }

    /**
     * @param address to listen on, as a number
     */
    public HttpService(String address) {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(address), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::handle);
        server.setExecutor(threads);
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    public String url(String path) {
        return "http://localhost:" + port() + path;
    }

    /** Has a path answered. */
    public HttpService on(String path, Answer answer) {
        answers.put(path, answer);
        return this;
    }

    /** Has a path answered with a status and a body. */
    public HttpService on(String path, int status, String contentType, String body) {
        return on(path, (exchange, request) -> respond(exchange, status, contentType, body));
    }

    /** What arrived so far, in order. */
    public List<Received> received() {
        return received;
    }

    /** What arrived at a path. */
    public List<Received> received(String path) {
        return received.stream().filter(request -> request.path().equals(path)).toList();
    }

    public static void respond(HttpExchange exchange, int status, @Nullable String contentType, String body)
            throws IOException {
        respond(exchange, status, contentType, body.getBytes(StandardCharsets.UTF_8));
    }

    public static void respond(HttpExchange exchange, int status, @Nullable String contentType, byte[] body)
            throws IOException {
        if (contentType != null) {
            exchange.getResponseHeaders().set("Content-Type", contentType);
        }
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private void handle(HttpExchange exchange) throws IOException {
        Map<String, String> headers = exchange.getRequestHeaders().entrySet().stream()
                .collect(Collectors.toMap(
                        entry -> entry.getKey().toLowerCase(Locale.ROOT),
                        entry -> String.join(", ", entry.getValue()),
                        (a, b) -> a,
                        TreeMap::new));
        Received request = new Received(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                headers,
                exchange.getRequestBody().readAllBytes());
        received.add(request);
        Answer answer = answers.get(exchange.getRequestURI().getPath());
        try {
            if (answer == null) {
                respond(exchange, 404, "text/plain", "not here");
            } else {
                answer.send(exchange, request);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
