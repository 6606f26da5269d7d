package dev.perdure.step.http;

import org.jspecify.annotations.Nullable;

/** A request failed; the message is the whole error text of the node (specification 4.10). */
public final class HttpStepException extends Exception {

    private static final long serialVersionUID = 1L;

    private final HttpOutcome outcome;
    private final @Nullable Integer status;
    private final @Nullable String retryAfter;

    HttpStepException(HttpOutcome outcome, String message) {
        this(outcome, message, null, null);
    }

    HttpStepException(HttpOutcome outcome, String message, @Nullable Integer status, @Nullable String retryAfter) {
        // Thrown for what a user did: a stack trace would tell nobody anything.
        super(message, null, false, false);
        this.outcome = outcome;
        this.status = status;
        this.retryAfter = retryAfter;
    }

    static HttpStepException blocked(String message) {
        return new HttpStepException(HttpOutcome.BLOCKED, "Blocked: " + message);
    }

    static HttpStepException invalid(String url, String problem) {
        return new HttpStepException(HttpOutcome.INVALID, "HTTP request failed: " + url + " - " + problem);
    }

    public HttpOutcome outcome() {
        return outcome;
    }

    /** Status of the answer; null when none came. */
    public @Nullable Integer status() {
        return status;
    }

    /** The answer's {@code Retry-After} as it was sent; null without one. */
    public @Nullable String retryAfter() {
        return retryAfter;
    }
}
