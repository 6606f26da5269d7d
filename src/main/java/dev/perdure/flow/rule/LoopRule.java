package dev.perdure.flow.rule;

import dev.perdure.flow.ActivationId;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.Frame;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Bindings;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.Truth;
import dev.perdure.graph.LoopNode;
import dev.perdure.graph.Node;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * LOOP: body, then condition, round after round (specification 4.7). A loop always owns the frame that it is the root of
 * and counts its rounds by that frame's generation; from the second on, its row says durably which round it is in, when
 * that round may begin, and which names the earlier ones bound.
 */
record LoopRule(LoopNode node) implements Rule {

    private static final int MAX_ROUNDS = 100_000;
    private static final Duration SHORTEST_ROUND = Duration.ofSeconds(1);

    @Override
    public boolean opensFrame() {
        return true;
    }

    /** Its first round, or the one that its row stands in. */
    @Override
    public Frame open(DecisionBuilder decision, ActivationId first) {
        NodeRecord row = decision.recorded(node.id());
        ActivationId stamp = row == null ? null : ActivationId.parse(row.stamp());
        if (row == null
                || stamp == null
                || stamp.generation() < 1
                || !stamp.scope().equals(first.scope())) {
            return Frame.open(first, decision.at(), null);
        }
        Bindings.read(row.bindings()).forEach((name, result) -> decision.bind(node.id(), name, result));
        return Frame.open(stamp, row.startedAt() == null ? decision.at() : row.startedAt(), row.bindings());
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Instant due = row == null || row.status() != NodeStatus.RUNNING ? null : row.wakeAt();
        if (due != null && due.isAfter(decision.at()) && !hasBegun(decision, node.id(), run.stamp())) {
            decision.await(node, run, decision.within(SHORTEST_ROUND, due));
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
        if (outcome instanceof Outcome.Failed failure) {
            fail(decision, failure);
        } else if (outcome instanceof Outcome.Broke broke) {
            decision.end(node, new Outcome.Succeeded(broke.value()));
        } else if (outcome instanceof Outcome.Succeeded success) {
            if (!child.id().equals(node.body())) {
                Result body = decision.frame(node.id()).held();
                Result last = body == null ? success.result() : body;
                if (Truth.of(success.result())) {
                    nextRound(decision, last);
                } else {
                    decision.end(node, new Outcome.Succeeded(last));
                }
            } else if (node.condition() == null) {
                nextRound(decision, success.result());
            } else {
                decision.setFrame(node.id(), decision.frame(node.id()).holding(success.result()));
                decision.enter(node.condition(), run);
            }
        }
    }

    private void nextRound(DecisionBuilder decision, Result last) {
        Frame round = decision.frame(node.id());
        if (round.stamp().generation() >= MAX_ROUNDS) {
            fail(
                    decision,
                    new Outcome.Failed("Loop exceeded maximum iteration count of " + MAX_ROUNDS
                            + ". Use df.break() to exit the loop or restructure the workflow."));
            return;
        }
        Instant earliest = decision.within(SHORTEST_ROUND, round.begun().plus(SHORTEST_ROUND));
        boolean waits = earliest.isAfter(decision.at());
        Instant begins = waits ? earliest : decision.at();
        ActivationId stamp = round.stamp().next();
        boolean isRoot = decision.graph().rootId().equals(node.id());
        if (isRoot) {
            decision.clearNames(node.id());
            decision.nextExecution(
                    new Checkpoint.NextExecution(stamp.generation(), begins, DecisionBuilder.output(last)));
        }
        Map<String, Result> names = decision.names(node.id());
        Frame next = Frame.open(stamp, begins, isRoot ? null : Bindings.write(names));
        decision.setFrame(node.id(), next);
        Running run =
                decision.continueAs(node, new Running(node.id(), next.text(), Running.Phase.COMPOUND, begins, null, 0));
        decision.persistRunning(node, run, waits ? begins : null, next.bindings());
        if (waits) {
            decision.await(node, run, begins);
        } else {
            decision.enter(node.body(), run);
        }
    }

    /**
     * A loop that is neither the root nor a branch fails its parent with a prefixed message. Its row carries that message
     * too, but only in the first round: the original fences the parent's write off later.
     */
    private void fail(DecisionBuilder decision, Outcome.Failed cause) {
        Node parent = decision.graph().parent(node.id());
        if (parent == null || decision.rule(parent).isBranching()) {
            decision.end(node, cause);
            return;
        }
        String message = "Loop sub-orchestration failed: " + cause.error();
        boolean isFirst = decision.frame(node.id()).stamp().generation() == 1;
        decision.end(node, cause.saying(message), isFirst ? message : cause.error());
    }

    /** In its first round it carries the prefixed message of the JOIN or RACE in its own row. */
    @Override
    public void failedAsBranch(DecisionBuilder decision, Outcome.Failed failure) {
        if (decision.frame(node.id()).stamp().generation() == 1) {
            decision.rewriteFailure(node.id(), failure);
        }
    }

    @Override
    public @Nullable String bindings(Frame frame) {
        return frame.bindings();
    }

    @Override
    public boolean recordsInterruption() {
        return true;
    }

    /**
     * Whether anything below a loop (or RETRY) carries this round's stamp. Then the wait before the round is over,
     * whatever the clock of this machine says.
     */
    static boolean hasBegun(DecisionBuilder decision, String nodeId, String stamp) {
        Deque<String> open = new ArrayDeque<>(decision.graph().children(nodeId));
        while (!open.isEmpty()) {
            String id = open.pop();
            NodeRecord row = decision.recorded(id);
            String found = row == null ? null : row.stamp();
            if (found != null && (found.equals(stamp) || found.startsWith(stamp + "::"))) {
                return true;
            }
            decision.graph().children(id).forEach(open::push);
        }
        return false;
    }
}
