package dev.perdure.step.http;

import io.netty.channel.ConnectTimeoutException;
import io.vertx.core.VertxException;
import io.vertx.core.http.HttpClosedException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Failures of connections, in words without addresses: a name's addresses are nobody's business. */
final class ConnectionTrouble {

    private ConnectionTrouble() {}

    static String text(@Nullable Throwable failure) {
        if (failure instanceof ConnectTimeoutException) {
            return "the connection timed out";
        }
        if (failure instanceof NoRouteToHostException) {
            return "no route to host";
        }
        if (failure instanceof ConnectException) {
            return "connection refused";
        }
        if (failure instanceof SSLException) {
            return "TLS: " + deepest(failure);
        }
        if (isClosed(failure)) {
            return "the server closed the connection";
        }
        return failure == null ? "unknown failure" : deepest(failure);
    }

    /** Whether the connection was closed by the other side. */
    static boolean isClosed(@Nullable Throwable failure) {
        return failure instanceof HttpClosedException || failure instanceof VertxException;
    }

    private static String deepest(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }
}
