package dev.perdure.web;

import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.api.Api;
import dev.perdure.web.api.Call;
import dev.perdure.web.api.Endpoint;
import dev.perdure.web.api.Follow;
import dev.perdure.web.live.Streams;
import dev.perdure.web.login.Logins;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
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

    private static final long MAX_BODY = 1L << 20;
    private static final int THREADS = 8;
    private static final int WAITING = 100;
    private static final long SWEEP_MILLIS = 10_000;

    private final Vertx vertx;
    private final Logins logins;
    private final Outside outside;
    private final Api api;
    private final boolean readOnly;
    private final Assets assets = new Assets();
    private final AtomicInteger waiting = new AtomicInteger();
    private final WorkerExecutor workers;
    private final Callers callers;
    private final Streams streams;
    private final AnswerRoutes answers;
    private @Nullable HttpServer server;
    private long sweeper;

    /**
     * A server that does not listen yet.
     *
     * @param outside who else says who people are
     * @param answers to steps
     * @param readOnly whether nothing may be changed through it
     */
    public Dashboard(Vertx vertx, Logins logins, Outside outside, Api api, AnswerDesk answers, boolean readOnly) {
        this.outside = outside;
        this.vertx = vertx;
        this.logins = logins;
        this.api = api;
        this.readOnly = readOnly;
        this.workers = vertx.createSharedWorkerExecutor("perdure-web", THREADS, 1, TimeUnit.MINUTES);
        this.callers = new Callers(vertx, logins, outside);
        this.streams = new Streams(vertx, workers);
        this.answers = new AnswerRoutes(vertx, answers, InstantSource.system(), MAX_BODY, readOnly);
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
        streams.close();
        answers.close();
        workers.close();
        callers.close();
        logins.close();
    }

    private Router router() {
        Router router = Router.router(vertx);
        router.route().handler(context -> {
            Reply.secure(context.response());
            context.next();
        });
        // Before what only our own page may send.
        answers.addTo(router);
        router.route(HttpMethod.POST, Api.BASE + "/*").handler(this::requireOurs);
        router.route(HttpMethod.POST, Api.BASE + "/*")
                .handler(BodyHandler.create(false).setBodyLimit(MAX_BODY));
        new SessionRoutes(logins, callers, outside, workers, readOnly).addTo(router);
        router.get(Api.BASE + "/openapi.json").handler(context -> Reply.json(context.response(), 200, api.openApi()));
        for (Endpoint endpoint : api.endpoints()) {
            String path = Api.BASE + endpoint.path().replace("{", ":").replace("}", "");
            router.route(HttpMethod.valueOf(endpoint.method()), path).handler(context -> call(context, endpoint));
        }
        for (Follow follow : api.follows()) {
            router.get(Api.BASE + follow.path().replace("{", ":").replace("}", ""))
                    .handler(context -> follow(context, follow));
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

    private void call(RoutingContext context, Endpoint endpoint) {
        callers.of(context, !endpoint.method().equals("GET"))
                .compose(who -> {
                    try {
                        if (readOnly && endpoint.changes()) {
                            throw Problem.of(403, "Nothing can be changed here (perdure.web.read-only)");
                        }
                        return work(
                                who, endpoint, Call.of(endpoint, context.pathParams(), query(context), body(context)));
                    } catch (Problem e) {
                        return Future.failedFuture(e);
                    }
                })
                .onSuccess(answer -> Reply.json(context.response(), 200, answer))
                .onFailure(cause -> Reply.refuse(context, cause));
    }

    private void follow(RoutingContext context, Follow follow) {
        callers.of(context, false)
                .compose(who -> {
                    try {
                        Call call = Call.of(follow.endpoint(), context.pathParams(), query(context), "");
                        String last = context.request().getHeader("Last-Event-ID");
                        String cursor = last == null || last.isEmpty() ? call.parameter("cursor") : last;
                        return streams.open(context.response(), who, follow, call, cursor);
                    } catch (Problem e) {
                        return Future.failedFuture(e);
                    }
                })
                .onFailure(cause -> Reply.refuse(context, cause));
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
