package dev.perdure.web;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.config.DatabaseOptions;
import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.api.Api;
import dev.perdure.web.login.Logins;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The server: the pages, and of each database logging in and out and the API. Event loops read and write, threads of its own wait for
 * PostgreSQL; those of the worker are not touched.
 */
public final class Dashboard {

    private static final Logger LOG = Logger.getLogger(Dashboard.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final long SWEEP_MILLIS = 10_000;

    private final Vertx vertx;
    private final Choice choice;
    private final @Nullable IdentityProvider provider;
    private final boolean readOnly;
    private final String description = Api.describe();
    private final Assets assets = new Assets();
    private @Nullable HttpServer server;
    private long sweeper;

    /**
     * A server that does not listen yet.
     *
     * @param databases the names of all that are served, once they are ready
     * @param provider that people may log in by
     * @param readOnly whether nothing may be changed through it
     */
    public Dashboard(Vertx vertx, List<String> databases, @Nullable IdentityProvider provider, boolean readOnly) {
        this.vertx = vertx;
        this.choice = new Choice(databases);
        this.provider = provider;
        this.readOnly = readOnly;
    }

    /**
     * Serves a database from now on.
     *
     * @param outside who else says who people are
     * @param answers to its steps
     */
    public Dashboard serve(String database, Logins logins, Outside outside, Api api, AnswerDesk answers) {
        choice.ready(new WebDatabase(
                vertx, choice, new WebDatabase.Parts(database, logins, outside, api, answers), readOnly));
        return this;
    }

    /** Listens; answers the port. */
    public Future<Integer> listen(HttpServerOptions options) {
        sweeper = vertx.setPeriodic(SWEEP_MILLIS, ignored -> choice.allReady().forEach(WebDatabase::sweep));
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
        choice.allReady().forEach(WebDatabase::close);
    }

    private Router router() {
        Router router = Router.router(vertx);
        router.route().handler(context -> {
            Reply.secure(context.response());
            context.next();
        });
        router.get(Api.BASE + "/openapi.json").handler(context -> Reply.json(context.response(), 200, description));
        router.get(Api.BASE + "/session").handler(this::withoutDatabase);
        router.route().handler(this::forward);
        router.get().handler(this::asset);
        router.route().handler(context -> Reply.problem(context.response(), Problem.of(404, "There is nothing here")));
        router.route().failureHandler(Dashboard::failed);
        return router;
    }

    /** Forwards a request to the database that it names; one that names none goes on. */
    private void forward(RoutingContext context) {
        String path = String.valueOf(context.request().path());
        if (path.startsWith(AnswerRoutes.BASE)) {
            answer(context, path.substring(AnswerRoutes.BASE.length()));
        } else if (path.startsWith(Api.BASE + '/') || path.startsWith(IdentityProvider.ENTER)) {
            try {
                choice.of(context).handle(context);
            } catch (Problem e) {
                Reply.problem(context.response(), e);
            }
        } else {
            context.next();
        }
    }

    private void answer(RoutingContext context, String address) {
        int slash = address.indexOf('/');
        try {
            Optional<WebDatabase> database =
                    choice.ofAddress(slash < 0 ? DatabaseOptions.DEFAULT : address.substring(0, slash));
            if (database.isPresent()) {
                database.get().handleAnswer(context);
            } else {
                AnswerRoutes.refuse(context, AnswerRoutes.unknown());
            }
        } catch (Problem e) {
            AnswerRoutes.refuse(context, e);
        }
    }

    /** Shows the choice of databases to a browser that has not chosen yet. */
    private void withoutDatabase(RoutingContext context) {
        if (!choice.isMissing(context)) {
            context.next();
            return;
        }
        ObjectNode answer = JSON.createObjectNode();
        choice.names().forEach(answer.putArray("databases")::add);
        answer.put("provider", provider == null ? null : IdentityProvider.ENTER);
        answer.put("read_only", readOnly);
        Reply.json(context.response(), 200, answer.toString());
    }

    private static void failed(RoutingContext context) {
        if (context.statusCode() == 413) {
            Reply.closeConnection(context);
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
}
