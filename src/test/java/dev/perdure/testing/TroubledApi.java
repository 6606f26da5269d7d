package dev.perdure.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Stands before an API server and makes trouble: each answer is late, and of some requests there is none or another one. Passes
 * everything on until it is told otherwise.
 */
public final class TroubledApi implements AutoCloseable {

    /** What becomes of a request. */
    public enum Trouble {
        /** It is refused: 429, and the API server never hears of it. */
        TOO_MANY_REQUESTS,
        /** It is refused: 500. */
        INTERNAL_ERROR,
        /** What it goes on from is too old: 410. */
        GONE,
        /** The API server does what is asked, and its answer is lost. */
        ANSWER_LOST
    }

    /** Of a connection, not of a request. */
    private static final Set<String> HOP =
            Set.of("connection", "content-length", "host", "transfer-encoding", "upgrade");

    private final String target;
    private final HttpServer front;
    private final HttpClient client;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
    private final AtomicInteger requests = new AtomicInteger();
    private final Map<Trouble, Integer> made = new ConcurrentHashMap<>();
    private volatile Duration delay = Duration.ZERO;
    private volatile int every;

    public TroubledApi(String target) {
        this.target = target;
        try {
            front = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
            client = HttpClient.newBuilder()
                    .sslContext(trusting())
                    .version(HttpClient.Version.HTTP_1_1)
                    .executor(threads)
                    .build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        front.setExecutor(threads);
        front.createContext(
                "/",
                exchange -> later.schedule(
                        () -> threads.execute(() -> answer(exchange)), delay.toMillis(), TimeUnit.MILLISECONDS));
        front.start();
    }

    public String url() {
        return "http://127.0.0.1:" + front.getAddress().getPort();
    }

    /**
     * From now on.
     *
     * @param late how much later each request arrives
     * @param nth of so many requests one meets a trouble, each kind in turn; 0 for none
     */
    public void begin(Duration late, int nth) {
        delay = late;
        every = nth;
    }

    /** How often each trouble was made. */
    public Map<Trouble, Integer> made() {
        return Map.copyOf(made);
    }

    private void answer(HttpExchange exchange) {
        try (exchange) {
            Trouble trouble = next();
            byte[] body = exchange.getRequestBody().readAllBytes();
            if (trouble == null) {
                pass(exchange, body, false);
                return;
            }
            switch (trouble) {
                case TOO_MANY_REQUESTS -> refuse(exchange, 429, "too many requests, please try again later");
                case INTERNAL_ERROR -> refuse(exchange, 500, "etcdserver: request timed out");
                case GONE -> refuse(exchange, 410, "too old resource version");
                case ANSWER_LOST -> pass(exchange, body, true);
            }
        } catch (IOException e) {
            // The worker has gone, or the API server: for the other one the connection ends.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private @Nullable Trouble next() {
        int number = requests.incrementAndGet();
        int nth = every;
        if (nth == 0 || number % nth != 0) {
            return null;
        }
        Trouble trouble = Trouble.values()[number / nth % Trouble.values().length];
        made.merge(trouble, 1, Integer::sum);
        return trouble;
    }

    private void pass(HttpExchange exchange, byte[] body, boolean lost) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(target + exchange.getRequestURI()))
                .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!HOP.contains(name.toLowerCase(java.util.Locale.ROOT))) {
                values.forEach(value -> request.header(name, value));
            }
        });
        HttpResponse<InputStream> response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream from = response.body()) {
            if (lost) {
                return; // the connection is closed without a word
            }
            for (String name : Set.of("Content-Type", "Date")) {
                response.headers().firstValue(name).ifPresent(value -> exchange.getResponseHeaders()
                        .set(name, value));
            }
            exchange.sendResponseHeaders(response.statusCode(), 0);
            byte[] piece = new byte[16 * 1024];
            for (int count = from.read(piece); count >= 0; count = from.read(piece)) {
                exchange.getResponseBody().write(piece, 0, count);
                exchange.getResponseBody().flush();
            }
        }
    }

    private static void refuse(HttpExchange exchange, int code, String message) throws IOException {
        byte[] status = ("{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"" + message + "\",\"code\":" + code
                        + "}")
                .getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.getResponseHeaders().set("Retry-After", "1");
        exchange.sendResponseHeaders(code, status.length);
        exchange.getResponseBody().write(status);
    }

    /** The server of the tests has a certificate that nobody knows. */
    private static SSLContext trusting() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new Trusting()}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        front.stop(0);
        later.shutdownNow();
        threads.shutdownNow();
    }

    private static final class Trusting extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
