package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An open scope: the instance's own, a JOIN's or RACE's branch, or a loop. A root node has at most one open frame, whose id is the node's.
 * {@link Names} keeps the names that it binds.
 *
 * @param stamp scope and generation
 * @param text the stamp as text, one object for all its nodes
 * @param begun when this generation began, or was planned to
 * @param bindings names of a loop's earlier rounds, as its row keeps them
 * @param held the body's result while a loop's condition runs
 * @param outcome of a JOIN branch that has ended, until the JOIN ends
 * @param failure of the latest round of a loop that went on after it; null when none has failed
 */
public record Frame(
        ActivationId stamp,
        String text,
        Instant begun,
        @Nullable String bindings,
        @Nullable Result held,
        @Nullable Outcome outcome,
        Outcome.@Nullable Failed failure) {

    public static Frame open(ActivationId stamp, Instant begun, @Nullable String bindings) {
        return new Frame(stamp, stamp.text(), begun, bindings, null, null, null);
    }

    /** Bytes that it holds in memory, beside names. */
    public long bytes() {
        long bytes = bindings == null ? 0 : 2L * bindings.length();
        if (held != null) {
            bytes += held.bytes();
        }
        if (outcome instanceof Outcome.Succeeded success) {
            bytes += success.result().bytes();
        } else if (outcome instanceof Outcome.Broke broke) {
            bytes += broke.value().bytes();
        }
        return bytes;
    }

    public Frame holding(Result result) {
        return new Frame(stamp, text, begun, bindings, result, null, failure);
    }

    public Frame ended(Outcome how) {
        return new Frame(stamp, text, begun, bindings, null, how, failure);
    }

    /** The same frame, with the failure of a round after which the loop goes on; null when none has failed. */
    public Frame failedBefore(Outcome.@Nullable Failed how) {
        return new Frame(stamp, text, begun, bindings, held, outcome, how);
    }
}
