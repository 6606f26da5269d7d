package dev.perdure.web;

import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.api.Api;
import dev.perdure.web.api.Call;
import dev.perdure.web.api.Endpoint;
import dev.perdure.web.api.Follow;
import dev.perdure.web.live.Streams;
import dev.perdure.web.login.Logins;
import dev.perdure.web.login.Read;
import dev.perdure.web.login.Replica;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The service for one database: logging in and out, the API, streams, answers. Logins, threads and limits are its own: a database that does
 * not answer holds up nobody who asks another one, and a login here is none there.
 */
final class WebDatabase {

    private static final long MAX_BODY = 1L << 20;
    private static final int THREADS = 8;
    private static final int WAITING = 100;

    private final String name;
    private final Logins logins;
    private final Api api;
    private final boolean readOnly;
    private final AtomicInteger waiting = new AtomicInteger();
    private final WorkerExecutor workers;
    private final Callers callers;
    private final Streams streams;
    private final AnswerRoutes answers;
    private final Router router;
    private final Router answersRouter;
    private final Vertx vertx;
    private final @Nullable WorkerExecutor watcher;
    private volatile long looking = -1;
    private volatile boolean closed;

    /**
     * Its parts.
     *
     * @param outside who else says who people are
     * @param answers to steps
     */
    record Parts(String name, Logins logins, Outside outside, Api api, AnswerDesk answers) {}

    /**
     * A database that is ready.
     *
     * @param readOnly whether nothing may be changed
     */
    WebDatabase(Vertx vertx, Choice choice, Parts parts, boolean readOnly) {
        this.name = parts.name();
        this.logins = parts.logins();
        this.api = parts.api();
        this.readOnly = readOnly;
        UnaryOperator<String> named = what -> choice.isNeeded() ? what + ' ' + name : what;
        Cookies cookies = choice.cookiesOf(name);
        this.workers = vertx.createSharedWorkerExecutor(named.apply("perdure-web"), THREADS, 1, TimeUnit.MINUTES);
        this.callers = new Callers(vertx, named, cookies, logins, parts.outside());
        this.streams = new Streams(vertx, named.apply("perdure-web-live"), workers);
        this.answers = new AnswerRoutes(
                vertx, named.apply("perdure-answers"), parts.answers(), InstantSource.system(), MAX_BODY, readOnly);
        this.router = Router.router(vertx);
        this.answersRouter = Router.router(vertx);
        this.vertx = vertx;
        this.watcher = logins.replica()
                .map(ignored ->
                        vertx.createSharedWorkerExecutor(named.apply("perdure-web-replica"), 1, 1, TimeUnit.MINUTES))
                .orElse(null);
        logins.replica().ifPresent(replica -> watch(replica, Objects.requireNonNull(watcher)));
        route(new SessionRoutes(choice, name, cookies, logins, callers, parts.outside(), workers, readOnly));
    }

    String name() {
        return name;
    }

    /** Ends expired logins and sessions. */
    void sweep() {
        workers.executeBlocking(
                () -> {
                    logins.sweep();
                    return null;
                },
                false);
    }

    /** Asks the servers where they are, by a thread that nobody waits for. */
    private void watch(Replica replica, WorkerExecutor looks) {
        looking = vertx.setTimer(Replica.LOOK.toMillis(), ignored -> looks.executeBlocking(
                        () -> {
                            replica.look();
                            return null;
                        },
                        false)
                .onComplete(looked -> {
                    if (!closed) {
                        watch(replica, looks);
                    }
                }));
    }

    /** Ends all logins. */
    void close() {
        closed = true;
        vertx.cancelTimer(looking);
        if (watcher != null) {
            watcher.close();
        }
        streams.close();
        answers.close();
        workers.close();
        callers.close();
        logins.close();
    }

    /** Answers a request that names this database, or lets it pass. */
    void handle(RoutingContext context) {
        router.handleContext(context);
    }

    /** The same for an address that a step of it has handed out. */
    void handleAnswer(RoutingContext context) {
        answersRouter.handleContext(context);
    }

    private void route(SessionRoutes sessions) {
        answers.addTo(answersRouter);
        router.route(HttpMethod.POST, Api.BASE + "/*").handler(WebDatabase::requireOurs);
        router.route(HttpMethod.POST, Api.BASE + "/*")
                .handler(BodyHandler.create(false).setBodyLimit(MAX_BODY));
        sessions.addTo(router);
        for (Endpoint endpoint : api.endpoints()) {
            String path = Api.BASE + endpoint.path().replace("{", ":").replace("}", "");
            router.route(HttpMethod.valueOf(endpoint.method()), path).handler(context -> call(context, endpoint));
        }
        for (Follow follow : api.follows()) {
            router.get(Api.BASE + follow.path().replace("{", ":").replace("}", ""))
                    .handler(context -> follow(context, follow));
        }
    }

    /** A form of another page can send neither JSON nor the headers of our scripts. */
    private static void requireOurs(RoutingContext context) {
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
                .onSuccess(answer -> Reply.read(context.response(), answer))
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

    private Future<Read<String>> work(Logins.Caller caller, Endpoint endpoint, Call call) {
        if (waiting.incrementAndGet() > WAITING) {
            waiting.decrementAndGet();
            return Future.failedFuture(Problem.later(503, "Too many requests at the same time", 2));
        }
        return workers.executeBlocking(
                        () -> {
                            Logins.Work<String> asked =
                                    session -> endpoint.handler().answer(call, session);
                            return switch (endpoint.at()) {
                                case REPLICA -> caller.read(asked);
                                case PRIMARY -> new Read<>(caller.inSession(asked), null);
                                case CHANGES -> new Read<>(caller.change(asked), null);
                            };
                        },
                        false)
                .onComplete(ignored -> waiting.decrementAndGet());
    }

    /** Of the query alone, without the database, which is chosen: parameters of the request are those of the path too. */
    private static Map<String, String> query(RoutingContext context) {
        Map<String, String> query = new LinkedHashMap<>();
        for (Map.Entry<String, String> parameter : context.queryParams()) {
            query.put(parameter.getKey(), parameter.getValue());
        }
        query.remove(Choice.PARAMETER);
        return query;
    }

    private static String body(RoutingContext context) {
        String body = context.body().asString(StandardCharsets.UTF_8.name());
        return body == null ? "" : body;
    }
}
