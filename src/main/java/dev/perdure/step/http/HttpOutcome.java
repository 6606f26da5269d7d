package dev.perdure.step.http;

import java.util.Locale;

/** Outcome of a request, for counting. */
public enum HttpOutcome {
    /** Any answer below 200: a server that switches protocols unasked. */
    STATUS_1XX,
    STATUS_2XX,
    STATUS_3XX,
    STATUS_4XX,
    STATUS_5XX,
    /** Refused by the egress policy, or the role may not send requests; nothing was sent. */
    BLOCKED,
    /** The request makes no sense; nothing was sent. */
    INVALID,
    TIMEOUT,
    /** No connection: name, network, TLS. */
    CONNECTION_FAILED,
    /** The connection broke, or what came is no HTTP. */
    FAILED,
    /** The answer was larger than is allowed. */
    TOO_LARGE,
    /** There was no memory for the answer in the time of the request, or can never be. */
    NO_MEMORY,
    /** Interrupted: cancelled instance, lost race, end of the worker. */
    CANCELED;

    /** The outcome that a status counts as. */
    static HttpOutcome ofStatus(int status) {
        return switch (status / 100) {
            case 1 -> STATUS_1XX;
            case 2 -> STATUS_2XX;
            case 3 -> STATUS_3XX;
            case 4 -> STATUS_4XX;
            default -> STATUS_5XX;
        };
    }

    /** The name in logs and metrics: {@code 2xx}, {@code blocked}, {@code connection_failed} and so on. */
    public String label() {
        String name = name().toLowerCase(Locale.ROOT);
        return name.startsWith("status_") ? name.substring("status_".length()) : name;
    }
}
