package dev.perdure.flow;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.graph.HttpNode;
import dev.perdure.graph.MultipartNode;
import dev.perdure.graph.Node;
import dev.perdure.graph.RetryNode;
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
    static Outcome judge(Turn turn, Node node, Outcome.Succeeded success) {
        if (!(node instanceof HttpNode) && !(node instanceof MultipartNode)) {
            return success;
        }
        JsonNode answer = null;
        for (Node above = turn.graph().parent(node.id());
                above != null;
                above = turn.graph().parent(above.id())) {
            if (above instanceof RetryNode retry) {
                answer = answer == null ? Json.parse(success.result().json()) : answer;
                int status = answer == null ? 0 : answer.path("status").asInt();
                if (answer != null && FailureCode.isFailure(retry.policy().retryOn(), status)) {
                    String retryAfter =
                            answer.path("headers").path("retry-after").textValue();
                    return new Outcome.Failed(
                            node.type() + " request was answered with status " + status,
                            FailureCode.http(status),
                            notBefore(retryAfter, turn.at()));
                }
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
