package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The end of a node. */
public sealed interface Outcome {

    record Succeeded(Result result) implements Outcome {}

    /** Passed by a BREAK, which goes on up to the nearest enclosing loop. */
    record Broke(Result value) implements Outcome {}

    /**
     * Failed.
     *
     * @param code what kind of failure it was, see {@link FailureCode}; null when it has none
     * @param node which node it came from; null until that has ended
     * @param detail what else is known: the server's DETAIL, or the body of an answer; null when there is nothing
     * @param notBefore the service asked not to be called again earlier; null when it did not
     * @param isFinal whether it must not be tried again
     */
    record Failed(
            String error,
            @Nullable String code,
            @Nullable String node,
            @Nullable String detail,
            @Nullable Instant notBefore,
            boolean isFinal)
            implements Outcome {

        public Failed(
                String error,
                @Nullable String code,
                @Nullable String node,
                @Nullable String detail,
                @Nullable Instant notBefore) {
            this(error, code, node, detail, notBefore, false);
        }

        public Failed(String error) {
            this(error, null, null, null, null);
        }

        /** The same failure with another message. */
        public Failed saying(String message) {
            return new Failed(message, code, node, detail, notBefore, isFinal);
        }

        /** The same failure, known to come from a node. */
        Failed from(String nodeId) {
            return node == null ? new Failed(error, code, nodeId, detail, notBefore, isFinal) : this;
        }
    }
}
