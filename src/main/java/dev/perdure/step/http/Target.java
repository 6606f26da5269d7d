package dev.perdure.step.http;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * Target of a request.
 *
 * @param host in lower case and ASCII, without a trailing dot; an IPv6 address in brackets
 * @param address that the host is, when it is one and no name
 * @param uri path and query, percent-encoded
 */
record Target(boolean tls, String host, @Nullable InetAddress address, int port, String uri) {

    /** {@code host:port}, as an entry of {@code perdure.http.allow}. */
    String authority() {
        return host + ":" + port;
    }
}
