package dev.perdure.step.http;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a body up to limits, which are looked at with every piece that arrives, and for which memory is granted before. A piece for which
 * there is none at the moment waits, and the rest of the body with it, where the connection holds it.
 */
final class ResponseReader {

    /** The body is larger than the limit. */
    static final class TooLargeException extends Exception {

        private static final long serialVersionUID = 1L;

        TooLargeException() {
            super("the body is too large", null, false, false);
        }
    }

    /** The body needs more memory than a role can ever have. */
    static final class NoMemoryException extends Exception {

        private static final long serialVersionUID = 1L;

        NoMemoryException() {
            super("there is not so much memory", null, false, false);
        }
    }

    /**
     * A body that was read.
     *
     * @param kept of it: all, or nothing
     * @param length that it had
     */
    record Body(Buffer kept, int length) {}

    /** The most by which a body of ordinary text or of bytes grows when it is stored. */
    private static final int MAX_GROWTH = 2;
    /** The body as it arrives, as text, and as the result document. */
    private static final int COPIES = 3;

    private static final long PAUSE_MILLIS = 20;

    private final Vertx vertx;
    private final HttpClientResponse response;
    private final long limit;
    private final AnswerMemory memory;
    private final StoredSize stored = new StoredSize();
    private long taken;
    private long needed;
    private final long announced;
    private final Buffer body = Buffer.buffer();
    private final boolean keeps;
    private int length;
    private final BiConsumer<@Nullable Body, @Nullable Throwable> done;
    private volatile boolean hasWaited;
    private boolean ended;

    /**
     * One that has read nothing yet.
     *
     * @param limit of the body; what is stored of it may be twice as long
     * @param keeps whether anything of it is
     * @param memory is asked before a piece is kept
     * @param done called once, with the body or a failure
     */
    ResponseReader(
            Vertx vertx,
            HttpClientResponse response,
            long limit,
            boolean keeps,
            AnswerMemory memory,
            BiConsumer<@Nullable Body, @Nullable Throwable> done) {
        this.vertx = vertx;
        this.keeps = keeps;
        this.memory = memory;
        this.response = response;
        this.limit = limit;
        this.done = done;
        this.announced = announced(response.getHeader("Content-Length"));
    }

    private static long announced(@Nullable String length) {
        return length != null && length.matches("[0-9]{1,18}") ? Long.parseLong(length) : 0;
    }

    /** Begins; must be called in the callback that brought the response. */
    void read() {
        response.exceptionHandler(failure -> end(null, failure));
        response.handler(this::arrived);
        response.endHandler(ignored -> end(new Body(body, length), null));
    }

    private void arrived(Buffer piece) {
        if (ended) {
            return;
        }
        if (length + (long) piece.length() > limit) {
            end(null, new TooLargeException());
            return;
        }
        length += piece.length();
        if (!keeps) {
            return;
        }
        stored.add(piece);
        if (stored.bytes() > MAX_GROWTH * limit) {
            end(null, new TooLargeException());
            return;
        }
        needed = COPIES * Math.max(stored.bytes(), body.length() + (long) piece.length());
        if (needed > memory.most()) {
            end(null, new NoMemoryException());
        } else if (!keep(piece)) {
            response.pause();
            hasWaited = true;
            waitFor(piece);
        }
    }

    private boolean keep(Buffer piece) {
        if (needed > taken && !memory.take(needed - taken)) {
            return false;
        }
        taken = Math.max(taken, needed);
        body.appendBuffer(piece);
        return true;
    }

    private void waitFor(Buffer piece) {
        vertx.setTimer(PAUSE_MILLIS, ignored -> {
            if (ended) {
                return;
            }
            if (keep(piece)) {
                response.resume();
            } else {
                waitFor(piece);
            }
        });
    }

    /** Whether a piece waits for memory, or has waited. */
    boolean hasWaitedForMemory() {
        return hasWaited;
    }

    /** The memory that the body is sure to take; when its length is not known, twice its length so far. */
    long memoryWanted() {
        long all = announced > 0 ? COPIES * Math.min(announced, limit) : 2 * needed;
        return Math.min(memory.most(), Math.max(all, needed));
    }

    /** Nothing of it is wanted any more. */
    void giveUp() {
        ended = true;
    }

    private void end(@Nullable Body complete, @Nullable Throwable failure) {
        if (!ended) {
            ended = true;
            done.accept(complete, failure);
        }
    }
}
