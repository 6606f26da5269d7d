package dev.perdure.step.http;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Reads a body up to a limit, which is looked at with every piece that arrives. */
final class ResponseReader {

    /** The body is larger than the limit. */
    static final class TooLargeException extends Exception {

        private static final long serialVersionUID = 1L;

        TooLargeException() {
            super("the body is too large", null, false, false);
        }
    }

    private final HttpClientResponse response;
    private final long limit;
    private final Buffer body = Buffer.buffer();
    private final BiConsumer<@Nullable Buffer, @Nullable Throwable> done;
    private boolean ended;

    /**
     * @param done called once, with the body or a failure
     */
    ResponseReader(HttpClientResponse response, long limit, BiConsumer<@Nullable Buffer, @Nullable Throwable> done) {
        this.response = response;
        this.limit = limit;
        this.done = done;
    }

    /** Begins; must be called in the callback that brought the response. */
    void read() {
        response.exceptionHandler(failure -> end(null, failure));
        response.handler(this::arrived);
        response.endHandler(ignored -> end(body, null));
    }

    private void arrived(Buffer piece) {
        if (ended) {
            return;
        }
        if (body.length() + (long) piece.length() > limit) {
            end(null, new TooLargeException());
            return;
        }
        body.appendBuffer(piece);
    }

    private void end(@Nullable Buffer complete, @Nullable Throwable failure) {
        if (!ended) {
            ended = true;
            done.accept(complete, failure);
        }
    }
}
