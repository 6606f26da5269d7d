package dev.perdure.flow;

import dev.perdure.graph.JoinNode;
import dev.perdure.graph.LoopNode;
import dev.perdure.graph.Node;
import dev.perdure.graph.RaceNode;
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

    /** The frame that a loop opens: its first round, or the one that its row stands in. */
    static Frame open(Turn turn, LoopNode loop, Stamp first) {
        Recorded row = turn.recorded(loop.id());
        Stamp stamp = row == null ? null : Stamp.parse(row.stamp());
        if (row == null
                || stamp == null
                || stamp.generation() < 1
                || !stamp.scope().equals(first.scope())) {
            return Frame.open(first, turn.at(), null);
        }
        Bindings.read(row.bindings()).forEach((name, result) -> turn.bind(loop.id(), name, result));
        return Frame.open(stamp, row.startedAt() == null ? turn.at() : row.startedAt(), row.bindings());
    }

    @Override
    public void enter(Turn turn, Running run, @Nullable Recorded row) {
        Instant due = row == null || row.status() != NodeStatus.RUNNING ? null : row.wakeAt();
        if (due != null && due.isAfter(turn.at()) && !hasBegun(turn, node.id(), run.stamp())) {
            turn.await(node, run, turn.within(SHORTEST_ROUND, due));
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
        if (outcome instanceof Outcome.Failed failure) {
            fail(turn, failure);
        } else if (outcome instanceof Outcome.Broke broke) {
            turn.end(node, new Outcome.Succeeded(broke.value()));
        } else if (outcome instanceof Outcome.Succeeded success) {
            if (!child.id().equals(node.body())) {
                Result body = turn.frame(node.id()).held();
                Result last = body == null ? success.result() : body;
                if (Truth.of(success.result())) {
                    nextRound(turn, last);
                } else {
                    turn.end(node, new Outcome.Succeeded(last));
                }
            } else if (node.condition() == null) {
                nextRound(turn, success.result());
            } else {
                turn.setFrame(node.id(), turn.frame(node.id()).holding(success.result()));
                turn.enter(node.condition(), run);
            }
        }
    }

    private void nextRound(Turn turn, Result last) {
        Frame round = turn.frame(node.id());
        if (round.stamp().generation() >= MAX_ROUNDS) {
            fail(
                    turn,
                    new Outcome.Failed("Loop exceeded maximum iteration count of " + MAX_ROUNDS
                            + ". Use df.break() to exit the loop or restructure the workflow."));
            return;
        }
        Instant earliest = turn.within(SHORTEST_ROUND, round.begun().plus(SHORTEST_ROUND));
        boolean waits = earliest.isAfter(turn.at());
        Instant begins = waits ? earliest : turn.at();
        Stamp stamp = round.stamp().next();
        boolean isRoot = turn.graph().rootId().equals(node.id());
        if (isRoot) {
            turn.clearNames(node.id());
            turn.nextExecution(new Checkpoint.NextExecution(stamp.generation(), begins, Turn.output(last)));
        }
        Map<String, Result> names = turn.names(node.id());
        Frame next = Frame.open(stamp, begins, isRoot ? null : Bindings.write(names));
        turn.setFrame(node.id(), next);
        Running run =
                turn.continueAs(node, new Running(node.id(), next.text(), Running.Phase.COMPOUND, begins, null, 0));
        turn.persistRunning(node, run, waits ? begins : null, next.bindings());
        if (waits) {
            turn.await(node, run, begins);
        } else {
            turn.enter(node.body(), run);
        }
    }

    /**
     * A loop that is neither the root nor a branch fails its parent with a prefixed message. Its row carries that message
     * too, but only in the first round: the original fences the parent's write off later.
     */
    private void fail(Turn turn, Outcome.Failed cause) {
        Node parent = turn.graph().parent(node.id());
        if (parent == null || parent instanceof JoinNode || parent instanceof RaceNode) {
            turn.end(node, cause);
            return;
        }
        String message = "Loop sub-orchestration failed: " + cause.error();
        boolean isFirst = turn.frame(node.id()).stamp().generation() == 1;
        turn.end(node, cause.saying(message), isFirst ? message : cause.error());
    }

    /** A branch failed its JOIN or RACE: a loop in its first round carries the prefixed message in its own row. */
    static void failedAsBranch(Turn turn, String branch, Outcome.Failed failure) {
        boolean isLoop = turn.graph().node(branch) instanceof LoopNode;
        if (isLoop && turn.frame(branch).stamp().generation() == 1) {
            turn.rewriteFailure(branch, failure);
        }
    }

    /**
     * Whether anything below a loop (or RETRY) carries this round's stamp. Then the wait before the round is over,
     * whatever the clock of this machine says.
     */
    static boolean hasBegun(Turn turn, String nodeId, String stamp) {
        Deque<String> open = new ArrayDeque<>(turn.graph().children(nodeId));
        while (!open.isEmpty()) {
            String id = open.pop();
            Recorded row = turn.recorded(id);
            String found = row == null ? null : row.stamp();
            if (found != null && (found.equals(stamp) || found.startsWith(stamp + "::"))) {
                return true;
            }
            turn.graph().children(id).forEach(open::push);
        }
        return false;
    }
}
