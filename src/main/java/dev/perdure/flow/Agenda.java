package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.graph.Node;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The remaining work of one decision: nodes to enter, and ends of nodes to hand to their parents. It is a stack, so that the work below a
 * node is finished before its sibling begins; nothing recurses, however deep the graph is. Time limits that were over when they were
 * entered come last.
 */
final class Agenda {

    private static final String BREAK_OUTSIDE =
            "df.break() was called outside of a loop. df.break() may only be used inside df.loop().";

    private sealed interface Task {}

    /** @param parentStamp the activation of the parent that asked for it; null for the root */
    private record Enter(String nodeId, @Nullable String parentStamp) implements Task {}

    /**
     * The end of a node, for its parent.
     *
     * @param execution of its step; null when it took the time since it was entered
     * @param rowError what the row says when that is not what the parent learns
     */
    private record Ended(
            Node node, String stamp, Outcome outcome, @Nullable Execution execution, @Nullable String rowError)
            implements Task {}

    private final Deque<Task> tasks = new ArrayDeque<>();
    private final DecisionBuilder decision;
    private final CheckpointBuilder draft;
    private final InstanceState state;
    private final OverdueLimits overdue;

    Agenda(DecisionBuilder decision, CheckpointBuilder draft, InstanceState state, OverdueLimits overdue) {
        this.decision = decision;
        this.draft = draft;
        this.state = state;
        this.overdue = overdue;
    }

    void enter(String nodeId, @Nullable String parentStamp) {
        tasks.push(new Enter(nodeId, parentStamp));
    }

    void end(Node node, Outcome outcome, @Nullable Execution execution, @Nullable String rowError) {
        String stamp = decision.entered(node.id()).stamp();
        Outcome how = outcome instanceof Outcome.Succeeded success
                ? decision.rule(node).judged(decision, success)
                : outcome;
        how = how instanceof Outcome.Failed failure ? failure.from(node.id()) : how;
        tasks.push(new Ended(node, stamp, how, execution, rowError));
    }

    /** Works it all off, unless the instance ends before. */
    void work() {
        workOffTasks();
        while (!overdue.isEmpty() && !draft.hasEnd()) {
            Activation limit = overdue.next();
            boolean isKnown = overdue.isKnownToBeOver(limit);
            if (!isKnown) {
                decision.settleOverdue();
            }
            overdue.remove(limit);
            if (!isKnown && decision.awaitsAnswer(limit.nodeId())) {
                continue; // its timer has fired, and first the answer is looked for
            }
            Running run = decision.running(limit.nodeId());
            if (run != null
                    && run.phase() == Running.Phase.LIMITED
                    && run.stamp().equals(limit.stamp())) {
                decision.rule(limit.nodeId()).happened(decision, run, new Event.TimerFired(limit, decision.at()));
                workOffTasks();
            }
        }
    }

    private void workOffTasks() {
        while (!tasks.isEmpty() && !draft.hasEnd()) {
            Task task = tasks.pop();
            if (task instanceof Enter enter) {
                enter(enter);
            } else if (task instanceof Ended ended) {
                ended(ended);
            }
        }
    }

    // ---- a node is entered

    private void enter(Enter task) {
        Node node = state.graph().node(task.nodeId());
        Node parent = state.graph().parent(node.id());
        Running above = parent == null ? null : decision.running(parent.id());
        if (parent != null && (above == null || !above.stamp().equals(task.parentStamp()))) {
            return; // the parent has ended meanwhile, or is in another round
        }
        if (above != null && above.phase() == Running.Phase.UNDOING) {
            return; // the other branch has decided meanwhile
        }
        Rule rule = decision.rule(node);
        boolean opensFrame = parent == null || decision.rule(parent).isBranching() || rule.opensFrame();
        String frameRoot = above == null || opensFrame ? node.id() : above.frameRoot();
        if (opensFrame) {
            ActivationId first = above == null
                    ? ActivationId.root(state.instanceId(), rootGeneration(rule))
                    : inExecution(
                            node,
                            decision.frames().get(above.frameRoot()).stamp().child(node.id()));
            decision.frames().put(node.id(), rule.open(decision, first));
        }
        String stamp = decision.frames().get(frameRoot).text();
        NodeRecord row = decision.recorded(node.id());
        if (row != null && !stamp.equals(row.stamp())) {
            row = null;
        }
        Instant startedAt = row == null || row.startedAt() == null ? decision.at() : row.startedAt();
        Running run = new Running(frameRoot, stamp, Running.Phase.COMPOUND, startedAt, null, 0);
        boolean wasInterrupted = row != null && row.status() == NodeStatus.FAILED && row.canceled();
        if (wasInterrupted && !rule.isEnteredWhenInterrupted()) {
            decision.continueAs(node, run.in(Running.Phase.BLOCKED, null));
        } else {
            rule.enter(decision, decision.continueAs(node, run), row);
        }
    }

    /** The first generation of the root: 1 where executions are rounds of a loop below it, whose generation tells them apart. */
    private long rootGeneration(Rule rule) {
        return isLoopBelowRoot(state.graph().mainId()) ? 1 : rule.firstGeneration(state.execution());
    }

    private ActivationId inExecution(Node node, ActivationId first) {
        return isLoopBelowRoot(node.id()) ? new ActivationId(first.scope(), state.execution()) : first;
    }

    private boolean isLoopBelowRoot(String nodeId) {
        return nodeId.equals(state.graph().mainId())
                && !nodeId.equals(state.graph().rootId())
                && decision.rule(nodeId).countsExecutions();
    }

    // ---- a node has ended

    private void ended(Ended task) {
        Node node = task.node();
        Running run = decision.running(node.id());
        if (run == null || !run.stamp().equals(task.stamp())) {
            return; // interrupted meanwhile
        }
        record(task, run);
        String name = node.resultName();
        if (name != null && task.outcome() instanceof Outcome.Succeeded success) {
            decision.frames().bind(run.frameRoot(), name, success.result());
        }
        decision.forget(node.id());
        Node parent = state.graph().parent(node.id());
        if (parent == null) {
            draft.end(endOfInstance(task.outcome()));
            return;
        }
        Running above = decision.entered(parent.id());
        if (decision.rule(node).opensFrame() && !decision.rule(parent).isBranching()) {
            decision.frames().mergeNames(node.id(), above);
            decision.frames().close(node.id());
        }
        decision.rule(parent).childEnded(decision, above, node, task.outcome());
    }

    private void record(Ended task, Running run) {
        Outcome outcome = task.outcome();
        Result result = null;
        String error = null;
        String code = null;
        String detail = null;
        if (outcome instanceof Outcome.Succeeded success) {
            result = success.result();
        } else if (outcome instanceof Outcome.Broke broke) {
            result = broke.value();
        } else if (outcome instanceof Outcome.Failed failure) {
            error = task.rowError() == null ? failure.error() : task.rowError();
            code = failure.code();
            detail = failure.detail();
        }
        Execution execution = task.execution() == null ? new Execution(run.startedAt(), 0, null) : task.execution();
        String bindings =
                decision.rule(task.node()).bindings(run, decision.frames().get(run.frameRoot()));
        draft.ended(task.node().id(), run.stamp(), result, error, code, detail, execution, bindings);
    }

    private Checkpoint.InstanceEnd endOfInstance(Outcome outcome) {
        if (outcome instanceof Outcome.Succeeded success) {
            return new Checkpoint.InstanceEnd(
                    Checkpoint.InstanceEnd.Status.COMPLETED, DecisionBuilder.output(success.result()));
        }
        if (outcome instanceof Outcome.Failed failure) {
            return new Checkpoint.InstanceEnd(
                    Checkpoint.InstanceEnd.Status.FAILED, failure.error(), failure.code(), draft.failedStep(failure));
        }
        return new Checkpoint.InstanceEnd(Checkpoint.InstanceEnd.Status.FAILED, BREAK_OUTSIDE);
    }
}
