package dev.perdure.faults.world;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.perdure.faults.ledger.Calls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The service that HTTP steps call, on loopback. It writes down each request and answers with the name of the step, some
 * of them only after a moment, so that workers die while a request is under way; or with 503 the first times, if the path
 * asks for that: {@code /<times>/<instance>/<step>}.
 */
final class CalledService implements AutoCloseable {

    private static final int SLOW_ONE_IN = 8;
    private static final int SLOW_MILLIS = 250;

    private final HttpServer server;
    private final ExecutorService threads;
    private final Calls calls;

    CalledService(Calls calls) {
        this.calls = calls;
        this.threads = Executors.newFixedThreadPool(64, task -> {
            Thread thread = new Thread(task, "called service");
            thread.setDaemon(true);
            return thread;
        });
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 200);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    /** Host and port. */
    String address() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String[] path = exchange.getRequestURI().getPath().split("/");
            String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
            int times = calls.received(new Calls.Call(path[2], path[3], key));
            exchange.getRequestBody().readAllBytes();
            if (key != null && key.hashCode() % SLOW_ONE_IN == 0) {
                TimeUnit.MILLISECONDS.sleep(SLOW_MILLIS);
            }
            byte[] body = path[3].getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(times <= Integer.parseInt(path[1]) ? 503 : 200, body.length);
            exchange.getResponseBody().write(body);
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
