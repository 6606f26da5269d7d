package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.impl.VertxBuilder;
import io.vertx.core.impl.VertxThread;
import io.vertx.core.spi.VertxThreadFactory;
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

    private final boolean isItsOwn;

    /**
     * A step with a thread of its own: a service decides how much comes in, and how small the pieces are, and what else the worker does must
     * not stand behind that in one loop. Takes over the resolver, which ends with this.
     */
    public static HttpStep apart(HttpSettings settings, EgressPolicy policy, HostResolver resolver) {
        // It serves no files, so that it needs no folder for copies of them.
        VertxOptions options = new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(1)
                .setInternalBlockingPoolSize(2)
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false));
        Vertx own = new VertxBuilder(options)
                .threadFactory(new NamedThreads())
                .init()
                .vertx();
        try {
            return new HttpStep(own, true, settings, policy, resolver);
        } catch (RuntimeException e) {
            own.close();
            throw e;
        }
    }

    /** Takes over the resolver, which ends with this. */
    public HttpStep(Vertx vertx, HttpSettings settings, EgressPolicy policy, HostResolver resolver) {
        this(vertx, false, settings, policy, resolver);
    }

    private HttpStep(Vertx vertx, boolean isItsOwn, HttpSettings settings, EgressPolicy policy, HostResolver resolver) {
        this.isItsOwn = isItsOwn;
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

    private static final class NamedThreads implements VertxThreadFactory {

        @Override
        public VertxThread newVertxThread(Runnable run, String name, boolean isWorker, long longest, TimeUnit unit) {
            VertxThread thread = VertxThreadFactory.super.newVertxThread(
                    run, name.replace("vert.x", "perdure-http"), isWorker, longest, unit);
            thread.setDaemon(true);
            return thread;
        }
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
        if (isItsOwn) {
            vertx.close();
        }
    }
}
