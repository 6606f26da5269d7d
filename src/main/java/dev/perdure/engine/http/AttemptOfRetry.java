package dev.perdure.engine.http;

import dev.perdure.flow.rule.Attempts;

/**
 * The number of a request for the log: its attempt in the {@code df.retry} around it, and the attempts that the worker made of
 * it itself.
 */
final class AttemptOfRetry {

    private AttemptOfRetry() {}

    static long number(HttpAttempt attempt) {
        return Attempts.of(
                        attempt.actor().graph(),
                        attempt.activation().nodeId(),
                        attempt.activation().stamp())
                - 1
                + attempt.number();
    }
}
