package dev.perdure.engine;

import dev.perdure.flow.HttpRequest;
import dev.perdure.step.http.Answer;
import dev.perdure.step.http.HttpOutcome;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jboss.logging.MDC;

/**
 * One line for each HTTP request, in the category {@code dev.perdure.http}: what was answered at DEBUG, what failed at
 * INFO, what was blocked at WARN. Queries of URLs, headers and bodies are left out, since they hold secrets.
 */
final class RequestLog {

    private static final Logger LOG = Logger.getLogger("dev.perdure.http");

    private RequestLog() {}

    static void answered(RequestTask task, Answer answer) {
        if (LOG.isDebugEnabled()) {
            write(
                    task,
                    Logger.Level.DEBUG,
                    answer.outcome(),
                    answer.millis(),
                    " status=" + answer.status() + " bytes=" + answer.bytes());
        }
    }

    static void failed(RequestTask task, HttpOutcome outcome, String message, long nanos) {
        Logger.Level level = outcome == HttpOutcome.BLOCKED ? Logger.Level.WARN : Logger.Level.INFO;
        // A message repeats the URL, and a body that came with a status of 500 and more.
        boolean harmless = outcome == HttpOutcome.BLOCKED;
        write(task, level, outcome, TimeUnit.NANOSECONDS.toMillis(nanos), harmless ? " reason=\"" + message + '"' : "");
    }

    private static void write(RequestTask task, Logger.Level level, HttpOutcome outcome, long millis, String more) {
        HttpRequest request = task.effect().request();
        MDC.put("instance", task.instance().id());
        MDC.put("node", task.activation().nodeId());
        try {
            LOG.logf(
                    level,
                    "http request method=%s url=%s role=%s attempt=%d outcome=%s duration_ms=%d%s",
                    request.method(),
                    loggable(request.url()),
                    task.instance().role(),
                    task.attempt(),
                    outcome.label(),
                    millis,
                    more);
        } finally {
            MDC.remove("instance");
            MDC.remove("node");
        }
    }

    /** Without query, fragment, user and password, and without characters that could forge another line. */
    private static String loggable(String url) {
        String path = url.split("[?#]", 2)[0].replaceAll("//[^/]*@", "//").replaceAll("[\\p{Cntrl} ]", "?");
        return path.length() <= 200 ? path : path.substring(0, 200) + "...";
    }
}
