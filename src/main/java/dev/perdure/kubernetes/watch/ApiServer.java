package dev.perdure.kubernetes.watch;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.RequestConfigBuilder;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Requests to the API server, JSON in and JSON out, each with an end in time and none repeated for long: the caller knows better when to
 * ask again. With the addresses, certificates and tokens of the Kubernetes client.
 */
@Singleton
public class ApiServer {

    private static final Logger LOG = Logger.getLogger(ApiServer.class);
    private static final Duration ANSWER = Duration.ofSeconds(10);
    private static final Duration AT_ONCE = Duration.ofSeconds(1);
    private static final String FIELD_MANAGER = "?fieldManager=perdure";

    private final Supplier<KubernetesClient> client;
    private final ServerClock clock;
    private @Nullable HttpClient http;
    private String base = "";

    @Inject
    ApiServer(Instance<KubernetesClient> client, ServerClock clock) {
        this(client::get, clock);
    }

    /**
     * @param client is asked for when the first request is made
     */
    ApiServer(Supplier<KubernetesClient> client, ServerClock clock) {
        this.client = client;
        this.clock = clock;
    }

    /** The namespace that the worker belongs to: that of the pod or of the kubeconfig, which means default when it names none. */
    public String ownNamespace() {
        String namespace = client.get().getNamespace();
        return namespace == null || namespace.isBlank() ? "default" : namespace;
    }

    public JsonNode get(String path) throws ApiException {
        return persistently(() -> send(request(path), "GET " + path));
    }

    public JsonNode post(String path, JsonNode body) throws ApiException {
        String query = path.contains("?") ? path + "&fieldManager=perdure" : path + FIELD_MANAGER;
        return send(request(query).post("application/json", Documents.text(body)), "POST " + path);
    }

    /** A merge patch: members that it does not name stay, a null removes. */
    public JsonNode patch(String path, JsonNode change) throws ApiException {
        return send(
                request(path + FIELD_MANAGER).patch("application/merge-patch+json", Documents.text(change)),
                "PATCH " + path);
    }

    /** Deletes a resource, unless another one has its name by now. */
    public void delete(ResourceKey key, String uid) throws ApiException {
        JsonNode options = Documents.mapper()
                .createObjectNode()
                .put("apiVersion", "v1")
                .put("kind", "DeleteOptions")
                .set("preconditions", Documents.mapper().createObjectNode().put("uid", uid));
        try {
            send(request(key.path()).delete("application/json", Documents.text(options)), "DELETE " + key.path());
        } catch (ApiException e) {
            if (!e.isNotFound() && !e.isConflict()) {
                throw e;
            }
        }
    }

    /** A resource as it is now. Who may change one and read none still reads it, by a change of nothing. */
    public JsonNode read(ResourceKey key) throws ApiException {
        try {
            return get(key.path());
        } catch (ApiException e) {
            if (!e.isForbidden()) {
                throw e;
            }
            return patch(key.path(), Documents.mapper().createObjectNode());
        }
    }

    /**
     * Reads lines until the server ends, the connection breaks, or it goes on for too long. Fails only when it does not begin.
     *
     * @param longest after which the connection counts as dead
     */
    void watch(String path, Duration longest, Consumer<byte[]> line) throws ApiException {
        String what = "WATCH " + path;
        boolean[] begun = new boolean[1];
        ByteArrayOutputStream refusal = new ByteArrayOutputStream();
        Lines lines = new Lines(text -> {
            if (begun[0]) {
                line.accept(text);
            } else {
                refusal.writeBytes(text);
            }
        });
        HttpResponse<AsyncBody> response = persistently(() -> await(
                http().consumeBytes(request(path).forStreaming().build(), (pieces, body) -> {
                    lines.add(pieces);
                    body.consume();
                }),
                ANSWER,
                what));
        clock.learn(response.header("Date"));
        begun[0] = response.isSuccessful();
        AsyncBody body = response.body();
        body.consume(); // nothing was delivered before
        try {
            await(body.done(), begun[0] ? longest : ANSWER, what);
        } catch (ApiException e) {
            if (Thread.currentThread().isInterrupted() || !begun[0]) {
                throw e;
            }
            // As good as an end: whether there is a server is told by the next request.
            LOG.debugf("%s ended: %s", what, e.getMessage());
        } finally {
            body.cancel();
        }
        if (!begun[0]) {
            refusal.writeBytes(lines.rest());
            throw refusal(response.code(), refusal.toByteArray(), what);
        }
    }

    private interface Question<T> {
        T ask() throws ApiException;
    }

    /** A connection that was kept can have been closed by the server meanwhile, which says nothing about the server. */
    private static <T> T persistently(Question<T> question) throws ApiException {
        long end = System.nanoTime() + AT_ONCE.toNanos();
        while (true) {
            try {
                return question.ask();
            } catch (ApiException e) {
                if (!e.isUnanswered()
                        || Thread.currentThread().isInterrupted()
                        || end - System.nanoTime() < 0
                        || !pause(AT_ONCE.dividedBy(10))) {
                    throw e;
                }
            }
        }
    }

    /** Returns whether nobody interrupted. */
    private static boolean pause(Duration time) {
        try {
            Thread.sleep(time.toMillis());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpClient client = http();
        return client.newHttpRequestBuilder()
                .uri(base + path)
                .header("Accept", "application/json")
                .timeout(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
    }

    private synchronized HttpClient http() {
        HttpClient made = http;
        if (made == null) {
            KubernetesClient kubernetes = client.get();
            base = kubernetes.getMasterUrl().toString().replaceAll("/$", "");
            made = kubernetes
                    .getHttpClient()
                    .newBuilder()
                    .tag(new RequestConfigBuilder()
                            .withRequestRetryBackoffLimit(0)
                            .withRequestTimeout((int) ANSWER.toMillis())
                            .build())
                    .build();
            http = made;
        }
        return made;
    }

    private JsonNode send(HttpRequest.Builder request, String what) throws ApiException {
        HttpResponse<byte[]> response = await(http().sendAsync(request.build(), byte[].class), ANSWER, what);
        clock.learn(response.header("Date"));
        if (!response.isSuccessful()) {
            throw refusal(response.code(), response.body(), what);
        }
        try {
            return Documents.read(response.body());
        } catch (IOException e) {
            throw new ApiException(
                    HttpURLConnection.HTTP_BAD_GATEWAY, what + ": the answer is no JSON: " + e.getMessage());
        }
    }

    private static <T> T await(CompletableFuture<T> answer, Duration longest, String what) throws ApiException {
        try {
            return answer.get(longest.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new ApiException(0, what + ": no answer within " + longest.toSeconds() + " s");
        } catch (ExecutionException e) {
            throw new ApiException(0, what + ": " + Causes.text(e.getCause() == null ? e : e.getCause()));
        } catch (InterruptedException e) {
            answer.cancel(true);
            Thread.currentThread().interrupt();
            throw new ApiException(0, what + ": interrupted");
        }
    }

    private static ApiException refusal(int code, byte @Nullable [] body, String what) {
        byte[] said = body == null ? new byte[0] : body;
        try {
            String message = Documents.read(said).path("message").asText();
            if (!message.isBlank()) {
                return new ApiException(code, message.replace('\n', ' '));
            }
        } catch (IOException e) {
            // No Status: something on the way has answered, in its own words.
            return new ApiException(
                    code, what + ": HTTP " + code + " " + new String(said, StandardCharsets.UTF_8).strip());
        }
        return new ApiException(code, what + ": HTTP " + code);
    }
}
