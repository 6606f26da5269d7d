package dev.perdure.web.live;

import dev.perdure.web.login.Logins;
import io.vertx.core.http.HttpServerResponse;

/** A stream that somebody reads. One that is read too slowly is not written to until it has caught up; then it is told to read anew. */
final class Subscriber {

    private static final String READ_ANEW = "{\"instances\":[],\"more\":true}";

    private final HttpServerResponse response;
    private final Logins.Caller caller;
    private boolean begun;
    private boolean behind;
    private long checkedAt;

    Subscriber(HttpServerResponse response, Logins.Caller caller) {
        this.response = response;
        this.caller = caller;
    }

    Logins.Caller caller() {
        return caller;
    }

    /** The time at which the server has let in a session of this login last, in milliseconds of the streams' clock. */
    long checkedAt() {
        return checkedAt;
    }

    void checked(long now) {
        checkedAt = now;
    }

    /** Something has happened that it is not told otherwise. */
    void miss() {
        behind = true;
    }

    void begin() {
        begun = true;
        response.setStatusCode(200)
                .setChunked(true)
                .putHeader("Content-Type", "text/event-stream")
                // Of nginx, which would wait for more.
                .putHeader("X-Accel-Buffering", "no");
        response.drainHandler(ignored -> catchUp());
        response.write("retry: 2000\n\n");
    }

    /** Tells an event. */
    void tell(String event, String id, String data) {
        if (!begun || response.writeQueueFull()) {
            behind = true;
        } else if (!isGone()) {
            response.write("id: " + id + "\nevent: " + event + "\ndata: " + data + "\n\n");
        }
    }

    /** Sends the messages that were not sent in time. */
    void catchUp() {
        if (behind && begun && !isGone() && !response.writeQueueFull()) {
            behind = false;
            response.write("event: changed\ndata: " + READ_ANEW + "\n\n");
        }
    }

    /** Keeps those in between from closing the connection. */
    void keepAlive() {
        if (begun && !isGone() && !response.writeQueueFull()) {
            response.write(":\n\n");
        }
    }

    void end() {
        if (begun && !isGone()) {
            response.end();
        }
    }

    /** Whether nobody reads it any more. */
    boolean isGone() {
        return response.ended() || response.closed();
    }
}
