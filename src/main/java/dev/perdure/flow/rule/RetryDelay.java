package dev.perdure.flow.rule;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Outcome;
import dev.perdure.graph.RetryPolicy;
import java.time.Duration;
import java.time.Instant;

/**
 * The delay before the next attempt: it grows by the factor up to the longest one, and varies by a fifth. The variation is
 * computed from the activation, whose instance id is random: instances that failed together come back apart, and the same
 * failure always gives the same time.
 */
final class RetryDelay {

    /** So that an attempt which fails at once, again and again, leaves time for others. */
    private static final long SHORTEST_MILLIS = 10;

    private static final double VARIATION = 0.2;

    private RetryDelay() {}

    /**
     * The time of the next attempt.
     *
     * @param failed number of the attempt that failed, from 1
     * @param next the activation of the next one
     */
    static Instant next(RetryPolicy policy, long failed, Outcome.Failed failure, Activation next, Instant now) {
        double grown = policy.initialDelayMillis() * Math.pow(policy.backoff(), Math.min(failed - 1, 10_000));
        double varied = Math.min(grown, policy.maxDelayMillis()) * (1 - VARIATION + 2 * VARIATION * chance(next));
        Instant begins = now.plus(Duration.ofMillis((long) Math.min(varied, policy.maxDelayMillis())));
        if (failure.notBefore() != null && failure.notBefore().isAfter(begins)) {
            begins = failure.notBefore();
        }
        Instant latest = now.plus(Duration.ofMillis(policy.maxDelayMillis()));
        Instant earliest = now.plus(Duration.ofMillis(SHORTEST_MILLIS));
        begins = begins.isAfter(latest) ? latest : begins;
        return begins.isBefore(earliest) ? earliest : begins;
    }

    /** A number from 0 to 1, spread evenly (the finalizer of SplittableRandom). */
    private static double chance(Activation activation) {
        long mixed = activation.nodeId().hashCode() * 0x9E3779B97F4A7C15L
                + activation.stamp().hashCode();
        mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return ((mixed ^ (mixed >>> 31)) >>> 11) * 0x1.0p-53;
    }
}
