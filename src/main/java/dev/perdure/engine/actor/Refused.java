package dev.perdure.engine.actor;

import dev.perdure.database.Failure;
import dev.perdure.flow.Event;
import org.jspecify.annotations.Nullable;

/** The decision that replaces one that the tables cannot take. */
final class Refused {

    private Refused() {}

    /** The failure of the step that brought the result; null when the event brought none. */
    static @Nullable Event instead(Event event, Failure failure) {
        String message = "the result cannot be stored: " + failure.message();
        if (event instanceof Event.StepSucceeded step) {
            return new Event.StepFailed(
                    step.activation(),
                    message,
                    failure.sqlState(),
                    null,
                    storable(step.executedQuery()),
                    step.params(),
                    step.startedAt(),
                    step.attempt(),
                    step.at());
        }
        if (event instanceof Event.StepFailed step && !step.executedQuery().isEmpty()) {
            return new Event.StepFailed(
                    step.activation(),
                    message,
                    failure.sqlState(),
                    null,
                    "",
                    null,
                    step.startedAt(),
                    step.attempt(),
                    step.at());
        }
        if (event instanceof Event.RequestFailed request
                && !request.executedQuery().isEmpty()) {
            return new Event.RequestFailed(
                    request.activation(),
                    message,
                    request.status(),
                    request.retryAfter(),
                    "",
                    request.startedAt(),
                    request.attempt(),
                    request.at());
        }
        return null;
    }

    private static String storable(String text) {
        return text.indexOf('\0') < 0 ? text : text.replace('\0', '\uFFFD');
    }
}
