package dev.perdure.web;

import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;
import java.util.Set;

/** Somebody else who knows who people are: an OpenID provider. */
public interface IdentityProvider {

    /** Where a browser is sent to log in. */
    String ENTER = "/login/oidc";

    /** And where it comes back to. */
    String BACK = ENTER + "/back";

    /**
     * Who somebody is.
     *
     * @param groups that they are in
     * @param untilMillis until when this is so, in milliseconds since 1970
     */
    record Identity(Set<String> groups, long untilMillis) {}

    /** Who sends a request with a bearer token; fails with a problem where the token is none, or nobody can tell. */
    Future<Identity> byToken(RoutingContext context);

    /**
     * Who has come back from the provider; empty where the request was answered by sending the browser there.
     */
    Future<Optional<Identity>> byLogin(RoutingContext context);
}
