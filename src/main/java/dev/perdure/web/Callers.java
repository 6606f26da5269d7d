package dev.perdure.web;

import dev.perdure.web.login.Groups;
import dev.perdure.web.login.Logins;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Finds the sender of a request: by the cookie of a login, or by the credentials of each request. */
final class Callers {

    /** Callers that are not logged in have threads of their own, and few. */
    private static final int LOGIN_THREADS = 2;

    private static final int LOGINS_WAITING = 20;
    /** Answers to a login that fails are given at multiples of this: how long the server took does not show. */
    private static final long TICK_MILLIS = 500;

    private final Vertx vertx;
    private final Cookies cookies;
    private final Logins logins;
    private final Outside outside;
    private final AtomicInteger entering = new AtomicInteger();
    private final WorkerExecutor enterers;

    Callers(Vertx vertx, UnaryOperator<String> named, Cookies cookies, Logins logins, Outside outside) {
        this.cookies = cookies;
        this.outside = outside;
        this.vertx = vertx;
        this.logins = logins;
        this.enterers =
                vertx.createSharedWorkerExecutor(named.apply("perdure-web-login"), LOGIN_THREADS, 1, TimeUnit.MINUTES);
    }

    void close() {
        enterers.close();
    }

    /**
     * The sender of a request; fails with a problem when there is none.
     *
     * @param changes whether the request is to change something
     */
    Future<Logins.Caller> of(RoutingContext context, boolean changes) {
        HttpServerRequest request = context.request();
        if (Origin.isForeign(request)) {
            return Future.failedFuture(Problem.of(403, "This was sent by another page"));
        }
        try {
            Optional<Set<String>> proxied = outside.proxy().groups(request);
            if (proxied.isPresent()) {
                return byProxy(context, proxied.get()).compose(caller -> meant(request, caller, changes));
            }
        } catch (Problem e) {
            return Future.failedFuture(e);
        }
        IdentityProvider provider = outside.provider();
        if (provider != null && isBearer(request)) {
            return provider.byToken(context).compose(identity -> byToken(context, identity));
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
        return meant(request, caller.get(), changes);
    }

    private static Future<Logins.Caller> meant(HttpServerRequest request, Logins.Caller caller, boolean changes) {
        return changes && !isMeant(request, caller)
                ? Future.failedFuture(Problem.of(403, "The request has no valid X-CSRF-Token"))
                : Future.succeededFuture(caller);
    }

    /** Whom a proxy vouches for. A browser sends along whatever the proxy asks for, so that the token is needed as with a cookie. */
    Future<Logins.Caller> byProxy(RoutingContext context, Set<String> groups) {
        return vouched(context, groups, "proxy " + String.join(",", new TreeSet<>(groups)), Long.MAX_VALUE);
    }

    private Future<Logins.Caller> byToken(RoutingContext context, IdentityProvider.Identity identity) {
        String token = context.request().getHeader("Authorization");
        return vouched(context, identity.groups(), "token " + token, identity.untilMillis());
    }

    private Future<Logins.Caller> vouched(
            RoutingContext context, Set<String> groups, String voucher, long untilMillis) {
        try {
            List<String> roles = outside.groups().rolesOf(groups);
            String role = Groups.choose(roles, wanted(context, roles), Origin.isOfBrowser(context.request()));
            return logins.knownByVoucher(role, voucher)
                    .map(Future::succeededFuture)
                    .orElseGet(() -> entering(() -> logins.byVoucher(role, roles, voucher, untilMillis)));
        } catch (Problem e) {
            return Future.failedFuture(e);
        }
    }

    /** The role of several that the caller acts as: a client sends a header, a browser has chosen before. */
    @Nullable String wanted(RoutingContext context, List<String> roles) {
        String header = context.request().getHeader("X-Perdure-Role");
        if (header != null) {
            return header;
        }
        Cookie chosen = context.request().getCookie(cookies.chosenRole());
        return chosen != null && roles.contains(chosen.getValue()) ? chosen.getValue() : null;
    }

    private static boolean isBearer(HttpServerRequest request) {
        String header = request.getHeader("Authorization");
        return header != null && header.regionMatches(true, 0, "Bearer ", 0, 7);
    }

    Optional<Logins.Caller> byCookie(RoutingContext context) {
        Cookie cookie = context.request().getCookie(cookies.login());
        return cookie == null ? Optional.empty() : logins.byCookie(cookie.getValue());
    }

    /** Whether a page of ours sent it, as the user of the cookie. */
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
