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

    private static final int MAX_ROUNDS = 8_388_608;
    /** Between rounds that take no step, and between so many without a pause: it leaves its session and its place to others. */
    private static final Duration SHORTEST_REST = Duration.ofMillis(10);

    private static final int ROUNDS_AT_ONCE = 100;
    private static final Result NOTHING = new Result("null", null);
    private static final Duration UNHURRIED = Duration.ofSeconds(1);

    @Override
    public boolean opensFrame() {
        return true;
    }

    @Override
    public boolean countsExecutions() {
        return true;
    }

    /** Its first round, or the one that its row stands in. */
    @Override
    public Frame open(DecisionBuilder decision, ActivationId first) {
        NodeRecord row = decision.recorded(node.id());
        ActivationId stamp = row == null ? null : ActivationId.parse(row.stamp());
        if (row == null
                || stamp == null
                || stamp.generation() < first.generation()
                || !stamp.scope().equals(first.scope())) {
            return Frame.open(first, decision.at(), null);
        }
        Bindings.read(row.bindings())
                .forEach((name, result) -> decision.frames().bind(node.id(), name, result));
        Frame round = Frame.open(stamp, row.startedAt() == null ? decision.at() : row.startedAt(), row.bindings());
        return row.status() == NodeStatus.RUNNING && row.result() != null
                ? round.failedBefore(new Outcome.Failed(LeafRule.error(row)))
                : round;
    }

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Instant due = row == null || row.status() != NodeStatus.RUNNING ? null : row.wakeAt();
        // Also when that time has passed: loading decides nothing that a round brings about.
        if (due != null && !hasBegun(decision, node.id(), run.stamp())) {
            decision.await(node, run, decision.within(longestWait(), due));
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
            if (node.continuesOnFailure() && child.id().equals(node.body())) {
                bodyFailed(decision, run, failure);
            } else {
                fail(decision, failure);
            }
        } else if (outcome instanceof Outcome.Broke broke) {
            decision.end(node, new Outcome.Succeeded(broke.value()));
        } else if (outcome instanceof Outcome.Succeeded success) {
            if (!child.id().equals(node.body())) {
                Result body = decision.frames().get(node.id()).held();
                Result last = body == null ? success.result() : body;
                if (Truth.of(success.result())) {
                    nextRound(decision, DecisionBuilder.output(last));
                } else {
                    decision.end(node, new Outcome.Succeeded(last));
                }
            } else if (node.condition() == null) {
                nextRound(decision, DecisionBuilder.output(success.result()));
            } else {
                decision.frames()
                        .put(node.id(), decision.frames().get(node.id()).holding(success.result()));
                decision.enter(node.condition(), run);
            }
        }
    }

    /** The failure is kept, and the round has ended as any other, with nothing as its result. */
    private void bodyFailed(DecisionBuilder decision, Running run, Outcome.Failed failure) {
        Frame failed = decision.frames().get(node.id()).failedBefore(failure);
        if (node.condition() == null) {
            decision.frames().put(node.id(), failed);
            nextRound(decision, failure.error());
        } else {
            decision.frames().put(node.id(), failed.holding(NOTHING));
            decision.enter(node.condition(), run);
        }
    }

    private void nextRound(DecisionBuilder decision, String output) {
        Frame round = decision.frames().get(node.id());
        if (round.stamp().generation() >= MAX_ROUNDS) {
            fail(
                    decision,
                    new Outcome.Failed("Loop exceeded maximum iteration count of " + MAX_ROUNDS
                            + ". Use df.break() to exit the loop or restructure the workflow."));
            return;
        }
        Instant earliest = decision.within(node.every(), round.begun().plus(node.every()));
        boolean rests = !decision.beginsRound(node.id())
                || node.every().compareTo(UNHURRIED) < 0 && round.stamp().generation() % ROUNDS_AT_ONCE == 0;
        if (rests && !earliest.isAfter(decision.at())) {
            // It may have waited for nothing, or have kept its session from others.
            earliest = decision.at().plus(SHORTEST_REST);
        }
        boolean waits = earliest.isAfter(decision.at());
        Instant begins = waits ? earliest : decision.at();
        ActivationId stamp = round.stamp().next();
        boolean isRoot = isMain(decision);
        if (isRoot) {
            decision.frames().clearNames(node.id());
            decision.nextExecution(new Checkpoint.NextExecution(stamp.generation(), begins, output));
        }
        Map<String, Result> names = decision.frames().names(node.id());
        Frame next =
                Frame.open(stamp, begins, isRoot ? null : Bindings.write(names)).failedBefore(round.failure());
        decision.frames().put(node.id(), next);
        Running run =
                decision.continueAs(node, new Running(node.id(), next.text(), Running.Phase.COMPOUND, begins, null, 0));
        decision.persistRound(node, run, waits ? begins : null, next);
        if (waits) {
            decision.await(node, run, begins);
        } else {
            decision.enter(node.body(), run);
        }
    }

    /** Whether its rounds are the executions of the instance. */
    private boolean isMain(DecisionBuilder decision) {
        return decision.graph().mainId().equals(node.id());
    }

    private Duration longestWait() {
        return node.every().compareTo(SHORTEST_REST) > 0 ? node.every() : SHORTEST_REST;
    }

    /**
     * A loop that is neither the root nor a branch fails its parent with a prefixed message. Its row carries that message
     * too, but only in the first round: the original fences the parent's write off later.
     */
    private void fail(DecisionBuilder decision, Outcome.Failed cause) {
        Node parent = decision.graph().parent(node.id());
        if (parent == null || isMain(decision) || decision.rule(parent).isBranching()) {
            decision.end(node, cause);
            return;
        }
        String message = "Loop sub-orchestration failed: " + cause.error();
        boolean isFirst = decision.frames().get(node.id()).stamp().generation() == 1;
        decision.end(node, cause.saying(message), isFirst ? message : cause.error());
    }

    /** In its first round it carries the prefixed message of the JOIN or RACE in its own row. */
    @Override
    public void failedAsBranch(DecisionBuilder decision, Outcome.Failed failure) {
        if (decision.frames().get(node.id()).stamp().generation() == 1) {
            decision.rewriteFailure(node.id(), failure);
        }
    }

    @Override
    public @Nullable String bindings(Running run, Frame frame) {
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
