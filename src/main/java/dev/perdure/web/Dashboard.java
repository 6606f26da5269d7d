package dev.perdure.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.api.Api;
import dev.perdure.web.api.Call;
import dev.perdure.web.api.Endpoint;
import dev.perdure.web.login.Logins;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.CookieSameSite;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The server: the pages, logging in and out, and the API. Event loops read and write, threads of its own wait for PostgreSQL; those of the
 * worker are not touched.
 */
public final class Dashboard {

    /** Only ever sent to this host, over TLS or to the machine itself, and not for scripts. */
    public static final String COOKIE = "__Host-perdure";

    private static final Logger LOG = Logger.getLogger(Dashboard.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final long MAX_BODY = 1L << 20;
    private static final int THREADS = 8;
    private static final int WAITING = 100;
    /** Who is not logged in has threads of their own, and few. */
    private static final int LOGIN_THREADS = 2;

    private static final int LOGINS_WAITING = 20;
    /** Answers to a login that fails are given at multiples of this: how long the server took does not show. */
    private static final long TICK_MILLIS = 500;

    private static final long SWEEP_MILLIS = 10_000;

    private final Vertx vertx;
    private final Logins logins;
    private final Api api;
    private final boolean readOnly;
    private final Assets assets = new Assets();
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicInteger entering = new AtomicInteger();
    private final WorkerExecutor workers;
    private final WorkerExecutor enterers;
    private @Nullable HttpServer server;
    private long sweeper;

    /**
     * A server that does not listen yet.
     *
     * @param readOnly whether nothing may be changed through it
     */
    public Dashboard(Vertx vertx, Logins logins, Api api, boolean readOnly) {
        this.vertx = vertx;
        this.logins = logins;
        this.api = api;
        this.readOnly = readOnly;
        this.workers = vertx.createSharedWorkerExecutor("perdure-web", THREADS, 1, TimeUnit.MINUTES);
        this.enterers = vertx.createSharedWorkerExecutor("perdure-web-login", LOGIN_THREADS, 1, TimeUnit.MINUTES);
    }

    /** Listens; answers the port. */
    public Future<Integer> listen(HttpServerOptions options) {
        sweeper = vertx.setPeriodic(
                SWEEP_MILLIS,
                ignored -> workers.executeBlocking(
                        () -> {
                            logins.sweep();
                            return null;
                        },
                        false));
        return vertx.createHttpServer(options).requestHandler(router()).listen().map(listening -> {
            server = listening;
            return listening.actualPort();
        });
    }

    /** Ends all logins. */
    public void close() {
        vertx.cancelTimer(sweeper);
        HttpServer listening = server;
        if (listening != null) {
            listening.close();
        }
        workers.close();
        enterers.close();
        logins.close();
    }

    private Router router() {
        Router router = Router.router(vertx);
        router.route().handler(context -> {
            Reply.secure(context.response());
            context.next();
        });
        router.route(HttpMethod.POST, Api.BASE + "/*").handler(this::requireOurs);
        router.route(HttpMethod.POST, Api.BASE + "/*")
                .handler(BodyHandler.create(false).setBodyLimit(MAX_BODY));
        router.get(Api.BASE + "/session").handler(this::session);
        router.post(Api.BASE + "/session").handler(this::enter);
        router.post(Api.BASE + "/session/try-out").handler(this::enterTryOut);
        router.delete(Api.BASE + "/session").handler(this::leave);
        router.get(Api.BASE + "/openapi.json").handler(context -> Reply.json(context.response(), 200, api.openApi()));
        for (Endpoint endpoint : api.endpoints()) {
            String path = Api.BASE + endpoint.path().replace("{", ":").replace("}", "");
            router.route(HttpMethod.valueOf(endpoint.method()), path).handler(context -> call(context, endpoint));
        }
        router.get().handler(this::asset);
        router.route().handler(context -> Reply.problem(context.response(), Problem.of(404, "There is nothing here")));
        router.route().failureHandler(Dashboard::failed);
        return router;
    }

    /** A form of another page can send neither JSON nor what scripts of ours send. */
    private void requireOurs(RoutingContext context) {
        HttpServerRequest request = context.request();
        String type = request.getHeader("Content-Type");
        if (Origin.isForeign(request)) {
            Reply.problem(context.response(), Problem.of(403, "This was sent by another page"));
        } else if (type == null || !type.split(";", 2)[0].strip().equalsIgnoreCase("application/json")) {
            Reply.problem(context.response(), Problem.of(415, "The body has to be application/json"));
        } else {
            context.next();
        }
    }

    private static void failed(RoutingContext context) {
        if (context.statusCode() == 413) {
            // What is still sent is not read.
            context.response().putHeader("Connection", "close");
            Reply.problem(context.response(), Problem.of(413, "The body is larger than 1 MB"));
        } else if (context.statusCode() >= 400 && context.statusCode() < 500) {
            Reply.problem(context.response(), Problem.of(context.statusCode(), "This cannot be answered"));
        } else {
            LOG.error("A request to the dashboard was not answered", context.failure());
            Reply.problem(context.response(), Problem.of(500, "An error of ours; the worker's log has it"));
        }
    }

    private void asset(RoutingContext context) {
        String path = context.request().path();
        Optional<Assets.Asset> asset = path == null ? Optional.empty() : assets.at(path);
        if (asset.isEmpty()) {
            context.next();
            return;
        }
        context.response()
                .putHeader("Cache-Control", "no-cache")
                .putHeader("ETag", asset.get().tag());
        if (asset.get().tag().equals(context.request().getHeader("If-None-Match"))) {
            context.response().setStatusCode(304).end();
        } else {
            context.response()
                    .putHeader("Content-Type", asset.get().type())
                    .end(asset.get().content());
        }
    }

    private void session(RoutingContext context) {
        ObjectNode answer = JSON.createObjectNode();
        Optional<Logins.Caller> caller = byCookie(context);
        caller.ifPresent(known -> answer.put("role", known.role()).put("csrf", known.csrf()));
        answer.put("read_only", readOnly);
        answer.put(
                "try_out",
                logins.tryOut()
                        .filter(role -> Origin.isLocal(context.request()))
                        .orElse(null));
        Reply.json(context.response(), 200, answer.toString());
    }

    private void enter(RoutingContext context) {
        String role;
        String password;
        try {
            JsonNode body = JSON.readTree(context.body().asString(StandardCharsets.UTF_8.name()));
            role = body.path("role").asText("");
            password = body.path("password").asText("");
        } catch (JsonProcessingException | IllegalArgumentException e) {
            // Not said what is wrong with it: it could quote the password.
            Reply.problem(context.response(), Problem.of(400, "The body is {\"role\": …, \"password\": …}"));
            return;
        }
        String address = Origin.address(context.request());
        entering(context, () -> logins.enter(role, password, address));
    }

    private void enterTryOut(RoutingContext context) {
        if (!Origin.isLocal(context.request())) {
            Reply.problem(
                    context.response(),
                    Problem.of(403, "Only on the machine of the embedded server, by the name localhost"));
            return;
        }
        entering(context, logins::enterTryOut);
    }

    private void entering(RoutingContext context, Callable<Logins.Entered> enter) {
        Optional<Logins.Caller> before = byCookie(context);
        waitFor(enter).onComplete(entered -> {
            if (entered.failed()) {
                Reply.problem(context.response(), problem(entered.cause()));
                return;
            }
            before.ifPresent(this::end);
            Logins.Entered login = entered.result();
            context.response().addCookie(cookie(login.cookie()));
            Reply.json(
                    context.response(),
                    200,
                    JSON.createObjectNode()
                            .put("role", login.role())
                            .put("csrf", login.csrf())
                            .put("read_only", readOnly)
                            .toString());
        });
    }

    /** Fails at a multiple of {@link #TICK_MILLIS} after it began, whatever the reason is. */
    private <T> Future<T> waitFor(Callable<T> enter) {
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

    private static Cookie cookie(String value) {
        return Cookie.cookie(COOKIE, value)
                .setHttpOnly(true)
                .setSecure(true)
                .setSameSite(CookieSameSite.STRICT)
                .setPath("/");
    }

    private void leave(RoutingContext context) {
        Optional<Logins.Caller> caller = byCookie(context);
        if (caller.isPresent()) {
            if (!isMeant(context.request(), caller.get())) {
                Reply.problem(context.response(), Problem.of(403, "The request has no valid X-CSRF-Token"));
                return;
            }
            end(caller.get());
        }
        context.response().addCookie(cookie("").setMaxAge(0));
        context.response().setStatusCode(204).end();
    }

    private void end(Logins.Caller caller) {
        workers.executeBlocking(
                () -> {
                    logins.end(caller);
                    return null;
                },
                false);
    }

    private void call(RoutingContext context, Endpoint endpoint) {
        HttpServerRequest request = context.request();
        if (Origin.isForeign(request)) {
            Reply.problem(context.response(), Problem.of(403, "This was sent by another page"));
            return;
        }
        Basic basic = Basic.of(request);
        Optional<Logins.Caller> cookie = basic == null ? byCookie(context) : Optional.empty();
        try {
            if (basic == null) {
                if (cookie.isEmpty()) {
                    throw Problem.of(401, "Nobody is logged in");
                }
                if (!endpoint.method().equals("GET") && !isMeant(request, cookie.get())) {
                    throw Problem.of(403, "The request has no valid X-CSRF-Token");
                }
            }
            if (readOnly && endpoint.changes()) {
                throw Problem.of(403, "Nothing can be changed here (perdure.web.read-only)");
            }
            Call call = Call.of(endpoint, context.pathParams(), query(context), body(context));
            Optional<Logins.Caller> known =
                    basic == null ? cookie : logins.knownByPassword(basic.role(), basic.password());
            Future<Logins.Caller> caller = known.isPresent()
                    ? Future.succeededFuture(known.get())
                    : waitFor(() -> logins.byPassword(basic.role(), basic.password(), Origin.address(request)));
            caller.compose(who -> work(who, endpoint, call)).onComplete(answer -> {
                if (answer.succeeded()) {
                    Reply.json(context.response(), 200, answer.result());
                } else {
                    refuse(context, problem(answer.cause()));
                }
            });
        } catch (Problem e) {
            refuse(context, e);
        }
    }

    private Future<String> work(Logins.Caller caller, Endpoint endpoint, Call call) {
        if (waiting.incrementAndGet() > WAITING) {
            waiting.decrementAndGet();
            return Future.failedFuture(Problem.later(503, "Too many requests at the same time", 2));
        }
        return workers.executeBlocking(
                        () -> caller.inSession(session -> endpoint.handler().answer(call, session)), false)
                .onComplete(ignored -> waiting.decrementAndGet());
    }

    private static void refuse(RoutingContext context, Problem problem) {
        // A browser would ask for a password in a window of its own, and send it from then on whoever asks.
        if (problem.status() == 401 && !Origin.isOfBrowser(context.request())) {
            context.response().putHeader("WWW-Authenticate", "Basic realm=\"Perdure\", charset=\"UTF-8\"");
        }
        Reply.problem(context.response(), problem);
    }

    private static Problem problem(Throwable cause) {
        if (cause instanceof Problem problem) {
            return problem;
        }
        LOG.error("A request to the dashboard was not answered", cause);
        return Problem.of(500, "An error of ours; the worker's log has it");
    }

    private Optional<Logins.Caller> byCookie(RoutingContext context) {
        Cookie cookie = context.request().getCookie(COOKIE);
        return cookie == null ? Optional.empty() : logins.byCookie(cookie.getValue());
    }

    private static boolean isMeant(HttpServerRequest request, Logins.Caller caller) {
        String token = request.getHeader("X-CSRF-Token");
        return !Origin.isForeign(request)
                && token != null
                && MessageDigest.isEqual(
                        token.getBytes(StandardCharsets.UTF_8), caller.csrf().getBytes(StandardCharsets.UTF_8));
    }

    /** Of the query alone: parameters of the request are those of the path too. */
    private static Map<String, String> query(RoutingContext context) {
        Map<String, String> query = new LinkedHashMap<>();
        for (Map.Entry<String, String> parameter : context.queryParams()) {
            query.put(parameter.getKey(), parameter.getValue());
        }
        return query;
    }

    private static String body(RoutingContext context) {
        String body = context.body().asString(StandardCharsets.UTF_8.name());
        return body == null ? "" : body;
    }
}
