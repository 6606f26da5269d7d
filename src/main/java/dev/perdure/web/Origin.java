package dev.perdure.web;

import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The origin of a browser's request. */
final class Origin {

    private static final Set<String> OWN = Set.of("same-origin", "none");
    private static final Set<String> LOCAL = Set.of("localhost", "127.0.0.1", "::1");

    private Origin() {}

    /** Whether a page of somebody else's sent it. What is no browser says nothing, and is not. */
    static boolean isForeign(HttpServerRequest request) {
        String site = request.getHeader("Sec-Fetch-Site");
        if (site != null) {
            return !OWN.contains(site);
        }
        String origin = request.getHeader("Origin");
        if (origin == null) {
            return false;
        }
        String authority = authority(origin);
        return authority == null || !authority.equalsIgnoreCase(request.getHeader("Host"));
    }

    /** Whether it is a browser's own request. */
    static boolean isOfBrowser(HttpServerRequest request) {
        return request.getHeader("Sec-Fetch-Mode") != null;
    }

    /** Whether it came by the loopback address, and under its name: a name of somebody else's that leads here is none. */
    static boolean isLocal(HttpServerRequest request) {
        String host = request.authority() == null ? "" : request.authority().host();
        boolean named = LOCAL.contains(host.replace("[", "").replace("]", ""));
        return named
                && request.remoteAddress().isInetSocket()
                && isLoopback(request.remoteAddress().hostAddress());
    }

    /** The address whose tries are counted; for IPv6 the network of a customer. */
    static String address(HttpServerRequest request) {
        String address = request.remoteAddress().hostAddress();
        if (address == null) {
            return "";
        }
        String[] groups = address.split(":", -1);
        return groups.length == 8 ? String.join(":", groups[0], groups[1], groups[2], groups[3]) : address;
    }

    private static boolean isLoopback(@Nullable String address) {
        return address != null
                && (address.startsWith("127.") || address.equals("::1") || address.equals("0:0:0:0:0:0:0:1"));
    }

    private static @Nullable String authority(String origin) {
        try {
            return URI.create(origin).getAuthority();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
