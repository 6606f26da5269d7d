package dev.perdure.web;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerResponse;

/** The form of every answer: with headers that let a browser run nothing but our own scripts, and keep no data. */
final class Reply {

    /** Styles of components are style sheets that scripts make, which this allows; attributes and elements with styles it does not. */
    static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
                    + " base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

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

    static void json(HttpServerResponse response, int status, String document) {
        if (!response.ended() && !response.closed()) {
            response.setStatusCode(status)
                    .putHeader("Content-Type", "application/json")
                    .end(document);
        }
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
}
