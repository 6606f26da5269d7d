package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A scope that is open: the instance's own, a JOIN's or RACE's branch, or a loop. At most one is open at a time for a
 * root node, so it is known by that node's id. The names that it binds are kept beside it, in {@link Names}.
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

    /** What it holds in memory, beside names. */
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

    /** A round has failed, and the loop goes on; null: none has. */
    public Frame failedBefore(Outcome.@Nullable Failed how) {
        return new Frame(stamp, text, begun, bindings, held, outcome, how);
    }
}
