package dev.perdure.flow.rule;

import dev.perdure.flow.Activation;
import dev.perdure.flow.ActivationId;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.Execution;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.Frame;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.graph.Node;
import dev.perdure.graph.RetryNode;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * RETRY: its body, attempt after attempt, each in a fresh scope as a loop's round is; the attempts are counted by the
 * generation of the frame that it owns. From the second on its row says durably which attempt it is, when that may begin,
 * and how the one before it failed.
 */
record RetryRule(RetryNode node) implements Rule {

    private static final int ATTEMPT_BITS = 32;

    @Override
    public boolean opensFrame() {
        return true;
    }

    @Override
    public boolean countsAttempts() {
        return true;
    }

    @Override
    public boolean failsOnStatus(int status) {
        return FailureCode.isFailure(node.policy().retryOn(), status);
    }

    /** Attempts are the lower half of the number, so that each execution counts them from 1. */
    @Override
    public long firstGeneration(long execution) {
        return 1 + (execution - 1 << ATTEMPT_BITS);
    }

    /** The generation of the first attempt of the same execution. */
    @Override
    public long firstAttempt(long generation) {
        return generation - attempt(generation) + 1;
    }

    static long attempt(long generation) {
        return generation & (1L << ATTEMPT_BITS) - 1;
    }

    /** Its first attempt, or the one that its row stands in. */
    @Override
    public Frame open(DecisionBuilder decision, ActivationId first) {
        NodeRecord row = decision.recorded(node.id());
        ActivationId stamp = row == null ? null : ActivationId.parse(row.stamp());
        boolean isOfAnAttempt = stamp != null
                && stamp.generation() >= first.generation()
                && stamp.scope().equals(first.scope());
        return Frame.open(isOfAnAttempt ? stamp : first, decision.at(), null);
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Instant due = row == null || row.status() != NodeStatus.RUNNING ? null : row.wakeAt();
        // Also when that time has passed: loading decides nothing that an attempt brings about.
        if (due != null && !LoopRule.hasBegun(decision, node.id(), run.stamp())) {
            decision.await(
                    node, run, decision.within(Duration.ofMillis(node.policy().maxDelayMillis()), due));
        } else {
            decision.enter(node.body(), run);
        }
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.TimerFired) {
            decision.enter(node.body(), decision.continueAs(node, run.in(Running.Phase.COMPOUND, null)));
        }
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        long attempt = attempt(decision.frames().get(node.id()).stamp().generation());
        if (!(outcome instanceof Outcome.Failed failure)) {
            decision.end(node, outcome, execution(run, attempt));
            return;
        }
        Integer most = node.policy().maxAttempts();
        if (most != null && attempt >= most) {
            String count = " (given up after " + attempt + (attempt == 1 ? " attempt)" : " attempts)");
            decision.end(node, failure.saying(failure.error() + count), execution(run, attempt));
        } else if (failure.isFinal()) {
            String why = " (attempt " + attempt + ", not to be tried again)";
            decision.end(node, failure.saying(failure.error() + why), execution(run, attempt));
        } else if (!FailureCode.matches(node.policy().retryOn(), failure.code())) {
            String why = " (attempt " + attempt + ", no failure to be retried on)";
            decision.end(node, failure.saying(failure.error() + why), execution(run, attempt));
        } else {
            nextAttempt(decision, attempt, failure);
        }
    }

    private void nextAttempt(DecisionBuilder decision, long failed, Outcome.Failed failure) {
        ActivationId stamp = decision.frames().get(node.id()).stamp().next();
        Activation next = new Activation(node.id(), stamp.text());
        Instant begins = RetryDelay.next(node.policy(), failed, failure, next, decision.at());
        decision.frames().clearNames(node.id());
        decision.frames().put(node.id(), Frame.open(stamp, begins, null));
        Running run = new Running(node.id(), stamp.text(), Running.Phase.COMPOUND, decision.at(), null, 0);
        decision.continueAs(node, run);
        decision.persistRetrying(node, run, begins, number(failed + 1), failure.error());
        decision.await(node, run, begins);
    }

    private static Execution execution(Running run, long attempt) {
        return new Execution(run.startedAt(), number(attempt), null);
    }

    private static int number(long attempt) {
        return (int) Math.min(attempt, Integer.MAX_VALUE);
    }
}
