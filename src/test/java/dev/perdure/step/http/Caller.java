package dev.perdure.step.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.flow.template.HttpRequest;
import io.vertx.core.Vertx;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Sends requests through real sockets. Names resolve to what the test says, and to nothing else. */
final class Caller implements AutoCloseable {

    static final String KEY = "0123456789abcdef0123456789abcdef";

    private static final class Shared {
        static final Vertx VERTX = Vertx.vertx();
    }

    /** Names with their addresses, as a DNS server under somebody's control would have them. */
    static final class Names implements HostResolver {

        private final Map<String, List<InetAddress>> known = new ConcurrentHashMap<>();
        final List<String> asked = new ArrayList<>();

        Names with(String name, String... addresses) {
            known.put(name, List.of(addresses).stream().map(Names::address).toList());
            return this;
        }

        private static InetAddress address(String text) {
            InetAddress address = AddressRange.address(text);
            if (address == null) {
                throw new IllegalArgumentException(text);
            }
            return address;
        }

        @Override
        public synchronized CompletableFuture<List<InetAddress>> resolve(String name, long role) {
            asked.add(name);
            List<InetAddress> addresses = known.get(name);
            return addresses == null
                    ? CompletableFuture.failedFuture(new UnknownHostException(name))
                    : CompletableFuture.completedFuture(addresses);
        }

        @Override
        public void close() {}
    }

    final Names names = new Names().with("localhost", "127.0.0.1");
    /** What an answer is granted. */
    volatile AnswerMemory memory = bytes -> true;

    private final HttpStep step;

    Caller(EgressMode mode, String... allow) {
        this(new EgressPolicy(mode, List.of(allow)), 64 * 1024, Optional.empty());
    }

    Caller(EgressPolicy policy, long maxResponseSize, Optional<Path> certificates) {
        this(policy, maxResponseSize, certificates, Duration.ofSeconds(60));
    }

    Caller(EgressPolicy policy, long maxResponseSize, Optional<Path> certificates, Duration maxTimeout) {
        HttpSettings settings = new HttpSettings(
                64,
                32,
                Duration.ofSeconds(5),
                maxTimeout,
                maxResponseSize,
                certificates,
                Optional.empty(),
                "perdure/test");
        step = new HttpStep(Shared.VERTX, settings, policy, names);
    }

    HttpSettings settings() {
        return step.settings();
    }

    static HttpRequest get(String url) {
        return new HttpRequest.Plain(url, "GET", null, Map.of(), 30);
    }

    static HttpRequest post(String url, @Nullable String body, Map<String, String> headers) {
        return new HttpRequest.Plain(url, "POST", body, headers, 30);
    }

    Exchange begin(HttpRequest request) {
        return step.send(request, KEY, 1, memory);
    }

    /** The envelope of an answer. */
    JsonNode envelope(HttpRequest request) {
        try {
            Answer answer = begin(request).answer().toCompletableFuture().get(60, TimeUnit.SECONDS);
            return new ObjectMapper().readTree(answer.envelope());
        } catch (InterruptedException | ExecutionException | TimeoutException | JsonProcessingException e) {
            throw new AssertionError("the request did not succeed", e);
        }
    }

    /** How a request failed. */
    HttpStepException failure(HttpRequest request) {
        return failure(begin(request));
    }

    static HttpStepException failure(Exchange exchange) {
        try {
            Answer answer = exchange.answer().toCompletableFuture().get(60, TimeUnit.SECONDS);
            throw new AssertionError("the request succeeded: " + answer.envelope());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof HttpStepException failure) {
                return failure;
            }
            throw new AssertionError("an unexpected failure", e);
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError("no answer", e);
        }
    }

    @Override
    public void close() {
        step.close();
    }
}
