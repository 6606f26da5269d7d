package dev.perdure.engine.http;

import dev.perdure.database.LogText;
import dev.perdure.engine.telemetry.LogFields;
import dev.perdure.flow.template.HttpRequest;
import dev.perdure.step.http.Answer;
import dev.perdure.step.http.HttpOutcome;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * One line for each HTTP request, in the category {@code dev.perdure.http}: answered ones at DEBUG, failed ones at INFO, blocked ones at
 * WARN. Queries of URLs, headers and bodies are left out, since they hold secrets.
 */
final class RequestLog {

    private static final Logger LOG = Logger.getLogger("dev.perdure.http");

    private RequestLog() {}

    static void answered(HttpAttempt attempt, Answer answer) {
        if (LOG.isDebugEnabled()) {
            write(
                    attempt,
                    Logger.Level.DEBUG,
                    answer.outcome(),
                    answer.millis(),
                    " status=" + answer.status() + " bytes=" + answer.bytes());
        }
    }

    static void failed(HttpAttempt attempt, HttpOutcome outcome, String message, long nanos) {
        Logger.Level level = outcome == HttpOutcome.BLOCKED ? Logger.Level.WARN : Logger.Level.INFO;
        // A message repeats the URL, and a body that came with a status of 500 and more.
        boolean harmless = outcome == HttpOutcome.BLOCKED;
        write(
                attempt,
                level,
                outcome,
                TimeUnit.NANOSECONDS.toMillis(nanos),
                harmless ? " reason=\"" + message + '"' : "");
    }

    private static void write(HttpAttempt attempt, Logger.Level level, HttpOutcome outcome, long millis, String more) {
        HttpRequest request = attempt.effect().request();
        LogFields.with(
                attempt.actor().id(),
                attempt.activation().nodeId(),
                () -> LOG.logf(
                        level,
                        "http request method=%s url=%s role=%s attempt=%d outcome=%s duration_ms=%d%s",
                        request.method(),
                        loggable(request.url()),
                        LogText.of(attempt.actor().origin().role()),
                        AttemptOfRetry.number(attempt),
                        outcome.label(),
                        millis,
                        more));
    }

    /** Without query, fragment, user and password, and without characters that could forge another line. */
    private static String loggable(String url) {
        String path = LogText.withoutAddress(url)
                .split("[?#]", 2)[0]
                .replaceAll("//[^/]*@", "//")
                .replaceAll("[\\p{Cntrl} ]", "?");
        return path.length() <= 200 ? path : path.substring(0, 200) + "...";
    }
}
