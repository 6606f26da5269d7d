package dev.perdure.web;

import io.vertx.core.http.Cookie;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The databases that are served, and the database of a request: the one that it names, whichever client sends it. With one database nobody
 * has to name it. Thread-safe.
 */
final class Choice {

    static final String HEADER = "X-Perdure-Database";
    static final String PARAMETER = "database";

    private static final int AGAIN_SECONDS = 5;

    private final List<String> names;
    private final Map<String, WebDatabase> ready = new ConcurrentHashMap<>();

    /**
     * None of them is ready.
     *
     * @param names in the order in which people see them
     */
    Choice(List<String> names) {
        this.names = List.copyOf(names);
    }

    List<String> names() {
        return names;
    }

    boolean isNeeded() {
        return names.size() > 1;
    }

    Cookies cookiesOf(String name) {
        return isNeeded() ? Cookies.of(name) : Cookies.OF_ONLY;
    }

    void ready(WebDatabase database) {
        WebDatabase before = ready.put(database.name(), database);
        if (before != null) {
            before.close();
        }
    }

    List<WebDatabase> allReady() {
        return List.copyOf(ready.values());
    }

    /** Whether a request that has to name a database names none. */
    boolean isMissing(RoutingContext context) {
        return isNeeded() && all(context).isEmpty();
    }

    /**
     * The database that a request is for.
     *
     * @throws Problem 400 when it names none, or two; 404 for an unknown one; 503 for one that was not reached yet
     */
    WebDatabase of(RoutingContext context) throws Problem {
        Set<String> named = all(context);
        if (named.size() > 1) {
            throw Problem.of(400, "The request names more than one database", String.join(", ", named));
        }
        if (named.isEmpty() && isNeeded()) {
            throw Problem.of(
                    400,
                    "The request has to name a database",
                    "The header " + HEADER + ", or ?" + PARAMETER + "= in the address, is one of "
                            + String.join(", ", names));
        }
        String name = named.isEmpty() ? names.get(0) : named.iterator().next();
        if (!names.contains(name)) {
            throw Problem.of(404, "There is no database of this name", String.join(", ", names));
        }
        return isReady(name).orElseThrow(() -> notReady(name));
    }

    /** The one that an address of a step leads to; empty when it leads nowhere. */
    Optional<WebDatabase> ofAddress(String name) throws Problem {
        if (!names.contains(name)) {
            return Optional.empty();
        }
        return Optional.of(isReady(name).orElseThrow(() -> notReady(name)));
    }

    private Optional<WebDatabase> isReady(String name) {
        return Optional.ofNullable(ready.get(name));
    }

    private static Problem notReady(String name) {
        return Problem.later(503, "The worker has not reached the database " + name + " yet", AGAIN_SECONDS);
    }

    /** In the header, in the address, and, for a user who comes back from the provider, in the cookie from before. */
    private static Set<String> all(RoutingContext context) {
        HttpServerRequest request = context.request();
        List<String> found = new ArrayList<>(request.headers().getAll(HEADER));
        found.addAll(context.queryParam(PARAMETER));
        if (IdentityProvider.BACK.equals(request.path())) {
            Cookie going = request.getCookie(Cookies.going());
            if (going != null) {
                found.add(going.getValue());
            }
        }
        return new LinkedHashSet<>(found);
    }
}
