package dev.perdure.kubernetes.watch;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An API server that answers as it should not, and what becomes of a watch. */
class FeedTest {

    private interface Answer {
        void to(HttpExchange exchange) throws IOException;
    }

    private final Queue<Answer> lists = new ConcurrentLinkedQueue<>();
    private final Queue<Answer> watches = new ConcurrentLinkedQueue<>();
    private final Queue<ResourceKey> told = new ConcurrentLinkedQueue<>();
    private final Queue<String> asked = new ConcurrentLinkedQueue<>();
    private final ResourceCache cache = new ResourceCache();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer server;
    private KubernetesClient client;
    private Thread thread;
    private Feed feed;

    @BeforeEach
    void begin() throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            String query = String.valueOf(exchange.getRequestURI().getRawQuery());
            asked.add(query);
            boolean watch = query.contains("watch=true");
            Answer answer = (watch ? watches : lists).poll();
            if (answer == null) {
                answer = watch ? lines() : list("5");
            }
            answer.to(exchange);
            exchange.close();
        });
        server.start();
        client = new KubernetesClientBuilder()
                .withConfig(new ConfigBuilder(Config.empty())
                        .withMasterUrl("http://127.0.0.1:" + server.getAddress().getPort())
                        .build())
                .build();
        feed = new Feed(
                ResourceKind.WORKFLOW,
                "team-a",
                new ApiServer((java.util.function.Supplier<KubernetesClient>) () -> client, new ServerClock()),
                cache,
                told::addAll);
        thread = new Thread(feed);
        thread.setDaemon(true);
    }

    @AfterEach
    void end() {
        thread.interrupt();
        client.close();
        server.stop(0);
        threads.shutdownNow();
    }

    @Test
    void what_a_watch_brings_is_there_whatever_it_is() {
        lists.add(list("5", resource("listed", "3", "{\"n\":3000000000,\"d\":1e300}")));
        watches.add(lines(
                event(
                        "ADDED",
                        resource(
                                "added",
                                "6",
                                "{\"" + "k".repeat(60_000) + "\":" + "[".repeat(5_000) + "]".repeat(5_000) + "}")),
                event("MODIFIED", resource("listed", "7", "{}")),
                "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}",
                event("DELETED", resource("listed", "10", "{}"))));

        thread.start();

        await(() -> seen("added") && !seen("listed") && told.size() >= 4);
        await(() -> asked.stream().anyMatch(query -> query.endsWith("resourceVersion=10")));
        assertThat(feed.status().state()).isEqualTo(FeedStatus.State.WATCHING);
        assertThat(feed.status().restarts()).isZero();
    }

    @Test
    void refusals_are_named_and_tried_again_until_they_end() {
        lists.add(status(403, "no right"));
        thread.start();
        await(() -> feed.status().isForbidden());
        assertThat(feed.status().state()).isEqualTo(FeedStatus.State.BROKEN);
        assertThat(feed.status().problem()).contains("no right").contains("k8s/base/rbac");

        await(() -> feed.status().state() == FeedStatus.State.WATCHING);
        assertThat(feed.status().problem()).isNull();
        assertThat(feed.isSynced()).isTrue();
    }

    @Test
    void a_server_in_trouble_is_asked_again() {
        lists.add(status(500, "etcd is away"));
        lists.add(status(429, "too many requests"));
        lists.add(text(200, "<html>a proxy has an opinion</html>"));
        lists.add(list("5", resource("one", "3", "{}")));
        watches.add(status(503, "going down"));

        thread.start();

        await(() -> seen("one") && feed.status().restarts() >= 4);
        await(() -> feed.status().state() == FeedStatus.State.WATCHING);
    }

    @Test
    void what_is_too_old_to_go_on_from_is_listed_again() {
        lists.add(list("5", resource("one", "3", "{}"), resource("two", "4", "{}")));
        watches.add(lines("{\"type\":\"ERROR\",\"object\":{\"code\":410,\"message\":\"too old\"}}"));
        lists.add(list("20", resource("two", "12", "{}"), resource("three", "13", "{}")));

        thread.start();

        await(() -> seen("three") && !seen("one"));
        await(() -> asked.stream().anyMatch(query -> query.endsWith("resourceVersion=20")));
        assertThat(feed.status().state()).isEqualTo(FeedStatus.State.WATCHING);
    }

    @Test
    void a_watch_that_breaks_in_the_middle_of_a_line_goes_on_from_the_line_before() {
        lists.add(list("5"));
        watches.add(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody()
                    .write((event("ADDED", resource("whole", "6", "{}")) + "\n{\"type\":\"ADD")
                            .getBytes(StandardCharsets.UTF_8));
            exchange.getResponseBody().flush();
        });
        watches.add(lines(event("ADDED", resource("next", "7", "{}"))));

        thread.start();

        await(() -> seen("whole") && seen("next"));
        assertThat(asked).anyMatch(query -> query.endsWith("resourceVersion=6"));
    }

    @Test
    void a_list_of_many_pages_is_one_list() {
        lists.add(text(
                200,
                "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"a/b+c\"},\"items\":["
                        + resource("one", "3", "{}") + "]}"));
        lists.add(list("5", resource("two", "4", "{}")));

        thread.start();

        await(() -> seen("one") && seen("two"));
        assertThat(asked).anyMatch(query -> query.contains("continue=a%2Fb%2Bc"));
    }

    private boolean seen(String name) {
        return cache.get(new ResourceKey(ResourceKind.WORKFLOW, "team-a", name)) != null;
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await().pollInterval(Duration.ofMillis(10)).until(condition);
    }

    private static String resource(String name, String version, String spec) {
        return "{\"metadata\":{\"name\":\"" + name + "\",\"namespace\":\"team-a\",\"uid\":\"uid-" + name
                + "\",\"resourceVersion\":\"" + version
                + "\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},\"spec\":" + spec + "}";
    }

    private static String event(String type, String resource) {
        return "{\"type\":\"" + type + "\",\"object\":" + resource + "}";
    }

    private static Answer list(String version, String... items) {
        return text(
                200,
                "{\"metadata\":{\"resourceVersion\":\"" + version + "\"},\"items\":[" + String.join(",", items) + "]}");
    }

    private static Answer lines(String... lines) {
        return text(200, lines.length == 0 ? "" : String.join("\n", lines) + "\n");
    }

    private static Answer status(int code, String message) {
        return text(code, "{\"kind\":\"Status\",\"message\":\"" + message + "\",\"code\":" + code + "}");
    }

    private static Answer text(int code, String body) {
        return exchange -> {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(code, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        };
    }
}
