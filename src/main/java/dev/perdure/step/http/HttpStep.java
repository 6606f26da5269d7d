package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpConnection;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Sends the requests of HTTP steps. Redirects are not followed, nothing is taken from the environment (no proxies), and
 * connections are made to addresses that the policy has seen. Thread-safe.
 */
public final class HttpStep implements HttpPort {

    /** Shorter than the usual time of servers, so that connections are seldom found closed. */
    private static final int KEEP_ALIVE_SECONDS = 4;

    private static final int MAX_HEADER_SIZE = 64 * 1024;

    private final Vertx vertx;
    private final HttpSettings settings;
    private final EgressPolicy policy;
    private final HostResolver resolver;
    private final HttpClient client;
    /** Weak: one that was closed in this moment was used all the same. */
    private final Set<HttpConnection> used =
            Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    /** Takes over the resolver, which ends with this. */
    public HttpStep(Vertx vertx, HttpSettings settings, EgressPolicy policy, HostResolver resolver) {
        this.vertx = vertx;
        this.settings = settings;
        this.policy = policy;
        this.resolver = resolver;
        HttpClientOptions options = new HttpClientOptions()
                .setConnectTimeout((int) settings.connectTimeout().toMillis())
                .setSslHandshakeTimeout(settings.connectTimeout().toMillis())
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
                .setMaxPoolSize(settings.maxConcurrent())
                .setKeepAliveTimeout(KEEP_ALIVE_SECONDS)
                .setMaxHeaderSize(MAX_HEADER_SIZE)
                .setDecompressionSupported(true)
                .setVerifyHost(true);
        settings.certificates().ifPresent(file -> options.setTrustOptions(TrustedCertificates.with(file)));
        this.client = vertx.createHttpClient(options);
    }

    @Override
    public HttpSettings settings() {
        return settings;
    }

    @Override
    public Exchange send(HttpRequest request, String key, long role, AnswerMemory memory) {
        Exchange exchange = new Exchange(this, request, key, role, memory);
        vertx.getOrCreateContext().runOnContext(ignored -> exchange.begin());
        return exchange;
    }

    Vertx vertx() {
        return vertx;
    }

    EgressPolicy policy() {
        return policy;
    }

    HostResolver resolver() {
        return resolver;
    }

    HttpClient client() {
        return client;
    }

    /** Whether a request before this one went over the connection. */
    boolean isReused(HttpConnection connection) {
        return !used.add(connection);
    }

    @Override
    public void close() {
        client.close();
        resolver.close();
    }
}
