package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import java.util.concurrent.CompletionStage;

/** Sends the requests of HTTP steps. What stands between the engine and everybody else's servers. */
public interface HttpPort extends AutoCloseable {

    /** A request that was begun. */
    interface Sent {

        /**
         * The answer. Fails with {@link HttpStepException} only; a status of 500 or more is a failure (specification 4.10). On
         * completion nothing of the request is under way any more.
         */
        CompletionStage<Answer> answer();

        /** Ends the request, whatever state it is in. */
        void cancel();
    }

    HttpSettings settings();

    /**
     * Begins a request. Returns at once; nothing is thrown for what the request asks.
     *
     * @param key for {@code Idempotency-Key}
     * @param role the submitter's oid
     * @param memory is asked before anything of the answer is kept; what it granted is the caller's to give back
     */
    Sent send(HttpRequest request, String key, long role, AnswerMemory memory);

    /** Ends all connections. */
    @Override
    void close();
}
