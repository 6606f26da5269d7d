package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.template.StatusList;
import dev.perdure.graph.Node;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/** The meaning of an answer to an HTTP step inside of {@code df.retry}: some answers are failures there. */
final class HttpAnswer {

    private static final long LONGEST_SECONDS = 315_576_000L;

    private static final int MOST_OF_BODY = 10_000;

    private HttpAnswer() {}

    /**
     * The outcome of an HTTP step that was answered.
     *
     * @param expect the statuses that are a success, which alone decide then; null: all are, unless something around counts them
     */
    static Outcome judge(DecisionBuilder decision, Node node, @Nullable String expect, Outcome.Succeeded success) {
        if (expect == null && decision.graph().parent(node.id()) == null) {
            return success;
        }
        JsonNode answer = Json.parse(success.result().json());
        if (answer == null) {
            return success;
        }
        int status = answer.path("status").asInt();
        boolean isFailure = expect == null ? isCounted(decision, node, status) : !StatusList.contains(expect, status);
        return isFailure ? failure(decision, node, answer, status) : success;
    }

    private static boolean isCounted(DecisionBuilder decision, Node node, int status) {
        for (Node above = decision.graph().parent(node.id());
                above != null;
                above = decision.graph().parent(above.id())) {
            if (decision.rule(above).failsOnStatus(status)) {
                return true;
            }
        }
        return false;
    }

    private static Outcome.Failed failure(DecisionBuilder decision, Node node, JsonNode answer, int status) {
        return new Outcome.Failed(
                node.type() + " request was answered with status " + status,
                FailureCode.http(status),
                node.id(),
                body(answer),
                notBefore(answer.path("headers").path("retry-after").textValue(), decision.at()));
    }

    /** The body of an answer, for {@code $error.detail}: its beginning. */
    private static @Nullable String body(JsonNode answer) {
        String body = answer.path("body").isTextual()
                ? answer.path("body").textValue()
                : answer.hasNonNull("body") ? Json.write(answer.path("body")) : null;
        if (body == null || body.length() <= MOST_OF_BODY) {
            return body == null ? null : body.replace('\0', '\uFFFD');
        }
        int end = Character.isHighSurrogate(body.charAt(MOST_OF_BODY - 1)) ? MOST_OF_BODY - 1 : MOST_OF_BODY;
        return body.substring(0, end).replace('\0', '\uFFFD') + "… (cut)";
    }

    /** The time of {@code Retry-After}: seconds or a date (RFC 9110, 10.2.3); null when it makes no sense. */
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
