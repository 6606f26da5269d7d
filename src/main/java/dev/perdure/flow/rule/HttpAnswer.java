package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.result.Json;
import dev.perdure.graph.Node;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/** What the answer to an HTTP step means inside of {@code df.retry}: some answers are failures there. */
final class HttpAnswer {

    private static final long LONGEST_SECONDS = 315_576_000L;

    private HttpAnswer() {}

    /** The outcome of a node that has succeeded: a failure, when it is an HTTP step whose answer some RETRY around counts. */
    static Outcome judge(DecisionBuilder decision, Node node, Outcome.Succeeded success) {
        if (decision.graph().parent(node.id()) == null) {
            return success;
        }
        JsonNode answer = Json.parse(success.result().json());
        if (answer == null) {
            return success;
        }
        int status = answer.path("status").asInt();
        for (Node above = decision.graph().parent(node.id());
                above != null;
                above = decision.graph().parent(above.id())) {
            if (decision.rule(above).failsOnStatus(status)) {
                String retryAfter = answer.path("headers").path("retry-after").textValue();
                return new Outcome.Failed(
                        node.type() + " request was answered with status " + status,
                        FailureCode.http(status),
                        notBefore(retryAfter, decision.at()));
            }
        }
        return success;
    }

    /** What {@code Retry-After} asks for: seconds or a date (RFC 9110, 10.2.3); null when it makes no sense. */
    static @Nullable Instant notBefore(@Nullable String retryAfter, Instant now) {
        if (retryAfter == null) {
            return null;
        }
        String text = retryAfter.strip();
        if (text.matches("[0-9]{1,18}")) {
            return now.plusSeconds(Math.min(LONGEST_SECONDS, Long.parseLong(text)));
        }
        try {
            return ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
        } catch (DateTimeException e) {
            return null;
        }
    }
}
