package dev.perdure.web;

import dev.perdure.web.login.Logins;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Who sends a request: by the cookie of a login, or by what is sent with each request. */
final class Callers {

    /** Who is not logged in has threads of their own, and few. */
    private static final int LOGIN_THREADS = 2;

    private static final int LOGINS_WAITING = 20;
    /** Answers to a login that fails are given at multiples of this: how long the server took does not show. */
    private static final long TICK_MILLIS = 500;

    private final Vertx vertx;
    private final Logins logins;
    private final AtomicInteger entering = new AtomicInteger();
    private final WorkerExecutor enterers;

    Callers(Vertx vertx, Logins logins) {
        this.vertx = vertx;
        this.logins = logins;
        this.enterers = vertx.createSharedWorkerExecutor("perdure-web-login", LOGIN_THREADS, 1, TimeUnit.MINUTES);
    }

    void close() {
        enterers.close();
    }

    /**
     * Who sends a request; fails with a problem where it is nobody.
     *
     * @param changes whether the request is to change something
     */
    Future<Logins.Caller> of(RoutingContext context, boolean changes) {
        HttpServerRequest request = context.request();
        if (Origin.isForeign(request)) {
            return Future.failedFuture(Problem.of(403, "This was sent by another page"));
        }
        Basic basic = Basic.of(request);
        if (basic != null) {
            Optional<Logins.Caller> known = logins.knownByPassword(basic.role(), basic.password());
            return known.map(Future::succeededFuture)
                    .orElseGet(() ->
                            entering(() -> logins.byPassword(basic.role(), basic.password(), Origin.address(request))));
        }
        Optional<Logins.Caller> caller = byCookie(context);
        if (caller.isEmpty()) {
            return Future.failedFuture(Problem.of(401, "Nobody is logged in"));
        }
        if (changes && !isMeant(request, caller.get())) {
            return Future.failedFuture(Problem.of(403, "The request has no valid X-CSRF-Token"));
        }
        return Future.succeededFuture(caller.get());
    }

    Optional<Logins.Caller> byCookie(RoutingContext context) {
        Cookie cookie = context.request().getCookie(Dashboard.COOKIE);
        return cookie == null ? Optional.empty() : logins.byCookie(cookie.getValue());
    }

    /** Whether a page of ours sent it, as who sends the cookie. */
    static boolean isMeant(HttpServerRequest request, Logins.Caller caller) {
        String token = request.getHeader("X-CSRF-Token");
        return !Origin.isForeign(request)
                && token != null
                && MessageDigest.isEqual(
                        token.getBytes(StandardCharsets.UTF_8), caller.csrf().getBytes(StandardCharsets.UTF_8));
    }

    /** Fails at a multiple of {@link #TICK_MILLIS} after it began, whatever the reason is. */
    <T> Future<T> entering(Callable<T> enter) {
        if (entering.incrementAndGet() > LOGINS_WAITING) {
            entering.decrementAndGet();
            return Future.failedFuture(Problem.later(429, "Too many people log in", 5));
        }
        long began = System.nanoTime();
        return enterers.executeBlocking(enter, false)
                .onComplete(ignored -> entering.decrementAndGet())
                .recover(cause -> {
                    long taken = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
                    return vertx.timer(TICK_MILLIS - taken % TICK_MILLIS, TimeUnit.MILLISECONDS)
                            .compose(ignored -> Future.failedFuture(cause));
                });
    }
}
