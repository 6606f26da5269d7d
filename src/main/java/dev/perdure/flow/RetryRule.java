package dev.perdure.flow;

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

    /** The frame that a RETRY opens: its first attempt, or the one that its row stands in. */
    static Frame open(Turn turn, RetryNode retry, Stamp first) {
        Recorded row = turn.recorded(retry.id());
        Stamp stamp = row == null ? null : Stamp.parse(row.stamp());
        boolean isOfAnAttempt =
                stamp != null && stamp.generation() >= 1 && stamp.scope().equals(first.scope());
        return Frame.open(isOfAnAttempt ? stamp : first, turn.at(), null);
    }

    @Override
    public void enter(Turn turn, Running run, @Nullable Recorded row) {
        Instant due = row == null || row.status() != NodeStatus.RUNNING ? null : row.wakeAt();
        // Also when that time has passed: loading decides nothing that an attempt brings about.
        if (due != null && !LoopRule.hasBegun(turn, node.id(), run.stamp())) {
            turn.await(node, run, turn.within(Duration.ofMillis(node.policy().maxDelayMillis()), due));
        } else {
            turn.enter(node.body(), run);
        }
    }

    @Override
    public void happened(Turn turn, Running run, Event event) {
        if (event instanceof Event.TimerFired) {
            turn.enter(node.body(), turn.continueAs(node, run.in(Running.Phase.COMPOUND, null)));
        }
    }

    @Override
    public void childEnded(Turn turn, Running run, Node child, Outcome outcome) {
        long attempt = turn.frame(node.id()).stamp().generation();
        if (!(outcome instanceof Outcome.Failed failure)) {
            turn.end(node, outcome, execution(run, attempt));
            return;
        }
        Integer most = node.policy().maxAttempts();
        if (most != null && attempt >= most) {
            String count = " (given up after " + attempt + (attempt == 1 ? " attempt)" : " attempts)");
            turn.end(node, failure.saying(failure.error() + count), execution(run, attempt));
        } else if (!FailureCode.matches(node.policy().retryOn(), failure.code())) {
            String why = " (attempt " + attempt + ", no failure to be retried on)";
            turn.end(node, failure.saying(failure.error() + why), execution(run, attempt));
        } else {
            nextAttempt(turn, attempt, failure);
        }
    }

    private void nextAttempt(Turn turn, long failed, Outcome.Failed failure) {
        Stamp stamp = turn.frame(node.id()).stamp().next();
        Activation next = new Activation(node.id(), stamp.text());
        Instant begins = RetryDelay.next(node.policy(), failed, failure, next, turn.at());
        turn.clearNames(node.id());
        turn.setFrame(node.id(), Frame.open(stamp, begins, null));
        Running run = new Running(node.id(), stamp.text(), Running.Phase.COMPOUND, begins, null, 0);
        turn.continueAs(node, run);
        turn.persistRetrying(node, run, begins, number(failed + 1), failure.error());
        turn.await(node, run, begins);
    }

    private static Draft.Execution execution(Running run, long attempt) {
        return new Draft.Execution(run.startedAt(), number(attempt), null);
    }

    private static int number(long attempt) {
        return (int) Math.min(attempt, Integer.MAX_VALUE);
    }
}
