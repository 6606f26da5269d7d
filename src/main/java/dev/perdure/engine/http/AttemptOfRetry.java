package dev.perdure.engine.http;

import dev.perdure.flow.rule.Attempts;

/** Which attempt a request is, for the log: that of the {@code df.retry} around it, and those that the worker made of it itself. */
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
