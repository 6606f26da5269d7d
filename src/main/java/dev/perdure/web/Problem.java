package dev.perdure.web;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.database.Failure;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Why a request was not answered, as <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a> writes it: {@code status},
 * {@code title}, {@code detail}; of an error of PostgreSQL also {@code sqlstate}, {@code message}, {@code hint} and {@code position}.
 */
public final class Problem extends Exception {

    private static final long serialVersionUID = 1;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final int status;
    private final String title;
    private final String document;
    private final int retryAfterSeconds;

    private Problem(int status, String title, ObjectNode more, int retryAfterSeconds) {
        super(title, null, false, false);
        this.status = status;
        this.title = title;
        this.retryAfterSeconds = retryAfterSeconds;
        ObjectNode all = JSON.createObjectNode();
        all.put("status", status);
        all.put("title", title);
        all.setAll(more);
        this.document = all.toString();
    }

    /** A problem with a request. */
    public static Problem of(int status, String title) {
        return new Problem(status, title, JSON.createObjectNode(), 0);
    }

    /** The same with more to say. */
    public static Problem of(int status, String title, String detail) {
        return new Problem(status, title, JSON.createObjectNode().put("detail", detail), 0);
    }

    /** One that passes. */
    public static Problem later(int status, String title, int seconds) {
        return new Problem(status, title, JSON.createObjectNode(), Math.max(1, seconds));
    }

    /** An error of PostgreSQL, in its words. */
    public static Problem of(SQLException e) {
        Failure failure = Failure.of(e);
        String state = failure.sqlState() == null ? "" : failure.sqlState();
        int status = status(state, failure);
        ObjectNode more = JSON.createObjectNode();
        more.put("sqlstate", state);
        more.put("message", failure.message());
        putIfPresent(more, "detail", failure.detail());
        putIfPresent(more, "hint", failure.hint());
        if (failure.position() > 0) {
            more.put("position", failure.position());
        }
        return new Problem(status, failure.message(), more, status == 503 ? 2 : 0);
    }

    private static int status(String state, Failure failure) {
        if (failure.kind() == Failure.Kind.CONNECTION_LOST || failure.kind() == Failure.Kind.EXHAUSTED) {
            return 503;
        }
        if (state.equals("XX000") && failure.message().contains("not found or access denied")) {
            return 404;
        }
        return switch (state) {
            case "57014" -> 504;
            case "42501" -> 403;
            case "55P03", "40001", "40P01", "DF004" -> 409;
            default -> 422;
        };
    }

    private static void putIfPresent(ObjectNode node, String name, @Nullable String value) {
        if (value != null) {
            node.put(name, value);
        }
    }

    public int status() {
        return status;
    }

    public String title() {
        return title;
    }

    /** Seconds after which it is worth another try; 0 when that is not known. */
    public int retryAfterSeconds() {
        return retryAfterSeconds;
    }

    /** The JSON document. */
    public String document() {
        return document;
    }
}
