package dev.perdure.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.api.Api;
import dev.perdure.web.login.Logins;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.CookieSameSite;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Logging in by the form, and out; and who is logged in. */
final class SessionRoutes {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Logins logins;
    private final Callers callers;
    private final WorkerExecutor workers;
    private final boolean readOnly;

    SessionRoutes(Logins logins, Callers callers, WorkerExecutor workers, boolean readOnly) {
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
    }

    private void session(RoutingContext context) {
        ObjectNode answer = JSON.createObjectNode();
        Optional<Logins.Caller> caller = callers.byCookie(context);
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
        Optional<Logins.Caller> before = callers.byCookie(context);
        callers.entering(enter).onComplete(entered -> {
            if (entered.failed()) {
                Reply.failure(context.response(), entered.cause());
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

    private static Cookie cookie(String value) {
        return Cookie.cookie(Dashboard.COOKIE, value)
                .setHttpOnly(true)
                .setSecure(true)
                .setSameSite(CookieSameSite.STRICT)
                .setPath("/");
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
}
