package dev.perdure.web;

import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;
import java.util.Set;

/** Another party that knows who people are: an OpenID provider. */
public interface IdentityProvider {

    /** The path to which a browser is sent to log in. */
    String ENTER = "/login/oidc";

    /** And where it comes back to. */
    String BACK = ENTER + "/back";

    /**
     * The identity of a user.
     *
     * @param groups that they are in
     * @param untilMillis until when this is so, in milliseconds since 1970
     */
    record Identity(Set<String> groups, long untilMillis) {}

    /** The sender of a request with a bearer token; fails with a problem when the token is none, or cannot be checked. */
    Future<Identity> byToken(RoutingContext context);

    /** The user that has come back from the provider; empty when the answer sends the browser there. */
    Future<Optional<Identity>> byLogin(RoutingContext context);
}
