package dev.perdure.step.http;

import org.jspecify.annotations.Nullable;

/** A request failed; the message is the whole error text of the node (specification 4.10). */
public final class HttpStepException extends Exception {

    private static final long serialVersionUID = 1L;

    private final HttpOutcome outcome;
    private final @Nullable Integer status;
    private final @Nullable String retryAfter;
    private final long memoryWanted;

    /** A request without an answer. */
    public HttpStepException(HttpOutcome outcome, String message) {
        this(outcome, message, null, null);
    }

    /** A request that was answered with a failure. */
    public HttpStepException(
            HttpOutcome outcome, String message, @Nullable Integer status, @Nullable String retryAfter) {
        this(outcome, message, status, retryAfter, 0);
    }

    private HttpStepException(
            HttpOutcome outcome,
            String message,
            @Nullable Integer status,
            @Nullable String retryAfter,
            long memoryWanted) {
        // Thrown for what a user did: a stack trace would tell nobody anything.
        super(message, null, false, false);
        this.outcome = outcome;
        this.status = status;
        this.retryAfter = retryAfter;
        this.memoryWanted = memoryWanted;
    }

    /** A failure for want of memory that others have at the moment: the answer fits when there is so much for it from the beginning. */
    static HttpStepException waitedForMemory(String message, long bytes) {
        return new HttpStepException(HttpOutcome.NO_MEMORY, message, null, null, bytes);
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

    /** Bytes with which the answer can be read another time; 0 when that would end alike, or has nothing to do with memory. */
    public long memoryWanted() {
        return memoryWanted;
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
