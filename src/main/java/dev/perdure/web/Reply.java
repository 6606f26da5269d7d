package dev.perdure.web;

import dev.perdure.web.login.Read;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import org.jboss.logging.Logger;

/** The form of every answer: with headers that let a browser run nothing but our own scripts, and keep no data. */
final class Reply {

    /** Styles of components are style sheets that scripts make, which this allows; attributes and elements with styles it does not. */
    static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
                    + " base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /** The server that was read, of two; its delay in seconds; a message for people. */
    static final String SOURCE = "X-Perdure-Source";

    static final String BEHIND = "X-Perdure-Behind";
    static final String NOTE = "X-Perdure-Note";

    private static final Logger LOG = Logger.getLogger(Reply.class);

    private Reply() {}

    /** Sets the headers of every answer. */
    static void secure(HttpServerResponse response) {
        MultiMap headers = response.headers();
        headers.set("Content-Security-Policy", POLICY);
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("X-Frame-Options", "DENY");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cross-Origin-Opener-Policy", "same-origin");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Cache-Control", "no-store");
    }

    /** What is still sent is not read. In HTTP/2 a connection has other requests, and the header must not be there (RFC 9113, 8.2.2). */
    static void closeConnection(RoutingContext context) {
        if (context.request().version() != HttpVersion.HTTP_2) {
            context.response().putHeader("Connection", "close");
        }
    }

    static void json(HttpServerResponse response, int status, String document) {
        if (!response.ended() && !response.closed()) {
            response.setStatusCode(status)
                    .putHeader("Content-Type", "application/json")
                    .end(document);
        }
    }

    /** An answer, and where it was read. */
    static void read(HttpServerResponse response, Read<String> read) {
        Read.Source source = read.source();
        if (source != null && !response.headWritten()) {
            response.putHeader(SOURCE, source.isReplica() ? "replica" : "primary");
            if (source.behindSeconds() > 0) {
                response.putHeader(BEHIND, Long.toString(source.behindSeconds()));
            }
            source.noted().ifPresent(note -> response.putHeader(NOTE, note));
        }
        json(response, 200, read.value());
    }

    static void problem(HttpServerResponse response, Problem problem) {
        if (response.ended() || response.closed() || response.headWritten()) {
            return;
        }
        if (problem.retryAfterSeconds() > 0) {
            response.putHeader("Retry-After", Integer.toString(problem.retryAfterSeconds()));
        }
        response.setStatusCode(problem.status())
                .putHeader("Content-Type", "application/problem+json")
                .end(problem.document());
    }

    /** Why a request was not answered. */
    static void failure(HttpServerResponse response, Throwable cause) {
        problem(response, problem(cause));
    }

    /** The same for a request that needs a login. */
    static void refuse(RoutingContext context, Throwable cause) {
        Problem problem = problem(cause);
        // A browser would ask for a password in a window of its own, and send it from then on with every request.
        if (problem.status() == 401
                && !Origin.isOfBrowser(context.request())
                && !context.response().headWritten()) {
            context.response().putHeader("WWW-Authenticate", "Basic realm=\"Perdure\", charset=\"UTF-8\"");
        }
        problem(context.response(), problem);
    }

    static Problem problem(Throwable cause) {
        if (cause instanceof Problem problem) {
            return problem;
        }
        LOG.error("A request to the dashboard was not answered", cause);
        return Problem.of(500, "An error of ours; the worker's log has it");
    }
}
