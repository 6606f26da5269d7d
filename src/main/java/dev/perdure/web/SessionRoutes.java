package dev.perdure.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.api.Api;
import dev.perdure.web.login.Groups;
import dev.perdure.web.login.Logins;
import io.vertx.core.Future;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.CookieSameSite;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** Logging in by the form, and out; and the current login. */
final class SessionRoutes {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Choice choice;
    private final String database;
    private final Cookies cookies;
    private final Logins logins;
    private final Callers callers;
    private final Outside outside;
    private final WorkerExecutor workers;
    private final boolean readOnly;

    SessionRoutes(
            Choice choice,
            String database,
            Cookies cookies,
            Logins logins,
            Callers callers,
            Outside outside,
            WorkerExecutor workers,
            boolean readOnly) {
        this.choice = choice;
        this.database = database;
        this.cookies = cookies;
        this.outside = outside;
        this.logins = logins;
        this.callers = callers;
        this.workers = workers;
        this.readOnly = readOnly;
    }

    void addTo(Router router) {
        router.get(Api.BASE + "/session").handler(this::session);
        router.post(Api.BASE + "/session").handler(this::enter);
        router.post(Api.BASE + "/session/try-out").handler(this::enterTryOut);
        router.delete(Api.BASE + "/session").handler(this::leave);
        router.post(Api.BASE + "/session/role").handler(this::choose);
        IdentityProvider provider = outside.provider();
        if (provider != null) {
            router.get(IdentityProvider.ENTER).handler(context -> leaveFor(context, provider));
            router.get(IdentityProvider.BACK).handler(context -> enterBy(provider, context));
        }
    }

    private void session(RoutingContext context) {
        try {
            Optional<Set<String>> groups = outside.proxy().groups(context.request());
            if (groups.isEmpty()) {
                session(context, callers.byCookie(context).orElse(null), false);
                return;
            }
            callers.byProxy(context, groups.get())
                    .onSuccess(caller -> session(context, caller, true))
                    .onFailure(cause -> Reply.failure(context.response(), cause));
        } catch (Problem e) {
            Reply.problem(context.response(), e);
        }
    }

    private void session(RoutingContext context, Logins.@Nullable Caller caller, boolean proxied) {
        ObjectNode answer = JSON.createObjectNode();
        if (caller != null) {
            answer.put("role", caller.role()).put("csrf", caller.csrf());
            caller.roles().forEach(answer.putArray("roles")::add);
        }
        if (choice.isNeeded()) {
            answer.put("database", database);
            choice.names().forEach(answer.putArray("databases")::add);
        }
        answer.put("proxied", proxied);
        answer.put("provider", outside.provider() == null ? null : IdentityProvider.ENTER);
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
        Optional<Logins.Caller> before = callers.byCookie(context);
        callers.entering(enter).onComplete(entered -> {
            if (entered.failed()) {
                Reply.failure(context.response(), entered.cause());
                return;
            }
            before.ifPresent(this::end);
            Logins.Entered login = entered.result();
            context.response().addCookie(Cookies.of(cookies.login(), login.cookie()));
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

    /** Sends the browser to the provider, or lets in a user who comes back from there. */
    private void enterBy(IdentityProvider provider, RoutingContext context) {
        // Not what is sent by pages of others, which would log somebody in as somebody else: the state of the
        // provider's protocol tells.
        provider.byLogin(context)
                .compose(found -> {
                    if (found.isEmpty()) {
                        return Future.succeededFuture(Optional.<Logins.Entered>empty());
                    }
                    try {
                        List<String> roles =
                                outside.groups().rolesOf(found.get().groups());
                        String role = Groups.choose(roles, callers.wanted(context, roles), true);
                        return callers.entering(() -> Optional.of(logins.enterVouched(role, roles)));
                    } catch (Problem e) {
                        return Future.failedFuture(e);
                    }
                })
                .onSuccess(entered -> entered.ifPresent(login -> {
                    callers.byCookie(context).ifPresent(this::end);
                    context.response().addCookie(Cookies.of(cookies.login(), login.cookie()));
                    arrive(context, "");
                }))
                .onFailure(cause -> arrive(context, "#/login?why=" + why(Reply.problem(cause))));
    }

    /** One of a few words, so that no link of somebody else's makes the page say something. */
    private static String why(Problem problem) {
        return switch (problem.status()) {
            case 401 -> "refused";
            case 403 -> "role";
            default -> "away";
        };
    }

    /** At the page of the database that somebody has left for. */
    private void arrive(RoutingContext context, String hash) {
        if (!context.response().ended()) {
            String query = choice.isNeeded() ? "?" + Choice.PARAMETER + '=' + database : "";
            if (choice.isNeeded()) {
                context.response().addCookie(Cookies.gone(Cookies.going()));
            }
            context.response()
                    .setStatusCode(302)
                    .putHeader("Location", "/" + query + hash)
                    .end();
        }
    }

    /** Sends the browser to the provider, with the database in a cookie that comes back from another site: the answer does not name it. */
    private void leaveFor(RoutingContext context, IdentityProvider provider) {
        if (choice.isNeeded()) {
            context.response().addCookie(Cookies.of(Cookies.going(), database).setSameSite(CookieSameSite.LAX));
        }
        enterBy(provider, context);
    }

    /** Another one of the roles that somebody's groups have. */
    private void choose(RoutingContext context) {
        callers.of(context, true)
                .compose(caller -> {
                    try {
                        String wanted = JSON.readTree(context.body().asString(StandardCharsets.UTF_8.name()))
                                .path("role")
                                .asText("");
                        Optional<Set<String>> groups = outside.proxy().groups(context.request());
                        List<String> roles =
                                groups.isPresent() ? outside.groups().rolesOf(groups.get()) : caller.roles();
                        Groups.choose(roles, wanted, false);
                        context.response().addCookie(Cookies.of(cookies.chosenRole(), wanted));
                        if (groups.isPresent()) {
                            return Future.succeededFuture();
                        }
                        return callers.entering(() -> logins.enterVouched(wanted, roles))
                                .onSuccess(entered -> {
                                    end(caller);
                                    context.response().addCookie(Cookies.of(cookies.login(), entered.cookie()));
                                });
                    } catch (JsonProcessingException e) {
                        return Future.failedFuture(Problem.of(400, "The body is {\"role\": …}"));
                    } catch (Problem e) {
                        return Future.failedFuture(e);
                    }
                })
                .onSuccess(ignored -> context.response().setStatusCode(204).end())
                .onFailure(cause -> Reply.failure(context.response(), cause));
    }

    private void leave(RoutingContext context) {
        Optional<Logins.Caller> caller = callers.byCookie(context);
        if (caller.isPresent()) {
            if (!Callers.isMeant(context.request(), caller.get())) {
                Reply.problem(context.response(), Problem.of(403, "The request has no valid X-CSRF-Token"));
                return;
            }
            end(caller.get());
        }
        context.response().addCookie(Cookies.gone(cookies.login()));
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
}
