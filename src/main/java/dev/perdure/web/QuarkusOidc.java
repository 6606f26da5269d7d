package dev.perdure.web;

import io.quarkus.oidc.runtime.OidcAuthenticationMechanism;
import io.quarkus.security.AuthenticationCompletionException;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.AuthenticationRedirectException;
import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.http.Cookie;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.jwt.JsonWebToken;
import org.jboss.logging.Logger;

/**
 * The OpenID provider of quarkus-oidc ({@code quarkus.oidc.*}): discovery, keys, the code flow and the checks of tokens are its own. Its
 * mechanism is asked for the dashboard's requests only; what it would keep in cookies is not needed, since a login of ours begins.
 */
@Singleton
class QuarkusOidc implements IdentityProvider {

    private static final Logger LOG = Logger.getLogger(QuarkusOidc.class);
    private static final String SESSION_COOKIES = "q_session";

    private final OidcAuthenticationMechanism mechanism;
    private final IdentityProviderManager identities;

    QuarkusOidc(OidcAuthenticationMechanism mechanism, IdentityProviderManager identities) {
        this.mechanism = mechanism;
        this.identities = identities;
    }

    @Override
    public Future<Identity> byToken(RoutingContext context) {
        return future(mechanism.authenticate(context, identities))
                .compose(
                        found -> found == null
                                ? Future.failedFuture(Problem.of(401, "The token is not valid"))
                                : Future.succeededFuture(identity(found)),
                        cause -> Future.failedFuture(problem(cause, "The token is not valid")));
    }

    @Override
    public Future<Optional<Identity>> byLogin(RoutingContext context) {
        return future(mechanism.authenticate(context, identities))
                .compose(found -> {
                    if (found != null) {
                        forget(context);
                        return Future.succeededFuture(Optional.of(identity(found)));
                    }
                    return future(mechanism.sendChallenge(context)).map(ignored -> {
                        if (!context.response().ended()) {
                            context.response().end();
                        }
                        return Optional.<Identity>empty();
                    });
                })
                .recover(cause -> {
                    if (cause instanceof AuthenticationRedirectException redirect) {
                        context.response()
                                .setStatusCode(redirect.getCode())
                                .putHeader("Location", redirect.getRedirectUri())
                                .end();
                        return Future.succeededFuture(Optional.empty());
                    }
                    forget(context);
                    return Future.failedFuture(problem(cause, "The provider has let nobody in"));
                });
    }

    /** Not a login of its own, which would be good for longer than ours. */
    private static void forget(RoutingContext context) {
        for (Cookie cookie : List.copyOf(context.request().cookies())) {
            if (cookie.getName().startsWith(SESSION_COOKIES)) {
                context.response().removeCookies(cookie.getName());
            }
        }
    }

    private static Identity identity(SecurityIdentity found) {
        long until = Long.MAX_VALUE;
        if (found.getPrincipal() instanceof JsonWebToken token && token.getExpirationTime() > 0) {
            until = TimeUnit.SECONDS.toMillis(token.getExpirationTime());
        }
        return new Identity(found.getRoles(), until);
    }

    private static Problem problem(Throwable cause, String refused) {
        if (cause instanceof Problem problem) {
            return problem;
        }
        if (cause instanceof AuthenticationFailedException || cause instanceof AuthenticationCompletionException) {
            LOG.debug(refused, cause);
            return Problem.of(401, refused);
        }
        LOG.warnf("The OpenID provider cannot be asked: %s", cause.getMessage());
        return Problem.later(503, "The identity provider does not answer", 5);
    }

    private static <T> Future<T> future(Uni<T> uni) {
        Promise<T> promise = Promise.promise();
        uni.subscribe().with(promise::complete, promise::fail);
        return promise.future();
    }
}
