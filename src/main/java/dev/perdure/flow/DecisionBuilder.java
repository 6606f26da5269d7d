package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
import dev.perdure.flow.template.Substitution;
import dev.perdure.flow.template.TextBudget;
import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One decision while it is being taken. Reads the state through the changes that it has made so far and leaves the state
 * itself alone. Work is a stack of tasks, the last one first, so that what a node sets off is finished before its
 * sibling begins; nothing recurses, however deep the graph is.
 */
public final class DecisionBuilder {

    private static final String BREAK_OUTSIDE =
            "df.break() was called outside of a loop. df.break() may only be used inside df.loop().";
    private static final Execution NONE = new Execution(null, 0, null);

    private final InstanceState state;
    private final Instant at;
    private final Function<Node, Rule> rules;
    private final CheckpointBuilder draft;
    private final Deque<Task> tasks = new ArrayDeque<>();
    private final Map<String, @Nullable Running> running = new HashMap<>();
    private final Map<String, @Nullable Frame> frames = new HashMap<>();
    private final Names names = new Names();
    private final TextBudget texts;
    private boolean loaded;

    DecisionBuilder(InstanceState state, Instant at, Function<Node, Rule> rules) {
        this.state = state;
        this.at = at;
        this.rules = rules;
        this.draft = new CheckpointBuilder(state);
        this.texts = new TextBudget(state.limits());
    }

    private sealed interface Task {}

    /** @param parentStamp the activation of the parent that asked for it; null for the root */
    private record Enter(String nodeId, @Nullable String parentStamp) implements Task {}

    /** @param rowError what the row says when that is not what the parent learns */
    private record Ended(Node node, String stamp, Outcome outcome, Execution execution, @Nullable String rowError)
            implements Task {}

    // ---- what sets it off

    /** Finds the position in the rows: the same code as ever, where every leaf that has ended answers from its row. */
    void load() {
        if (state.recorded() != null) {
            loaded = true;
            tasks.push(new Enter(graph().rootId(), null));
            work();
        }
    }

    void happened(Activation activation, Event event) {
        if (state.isActive(activation)) {
            Running run = required(running(activation.nodeId()), activation.nodeId());
            rule(activation.nodeId()).happened(this, run, event);
            work();
        }
    }

    void cancel(String reason) {
        if (!draft.hasEnd()) {
            interrupt(graph().rootId(), reason, null);
            finish(Checkpoint.InstanceEnd.Status.CANCELLED, "canceled: " + reason);
        }
    }

    Decision decision() {
        boolean isEmpty = !loaded && running.isEmpty() && draft.rows().isEmpty() && !draft.hasEnd();
        StateDelta change = isEmpty
                ? StateDelta.NONE
                : new StateDelta(state.version(), running, draft.rows(), frames, names, draft.hasEnd());
        return new Decision(draft.checkpoint(), draft.effects(), change);
    }

    // ---- what rules read

    public Instant at() {
        return at;
    }

    public Graph graph() {
        return state.graph();
    }

    /** The rule of a node. */
    public Rule rule(Node node) {
        return rules.apply(node);
    }

    Rule rule(String nodeId) {
        return rule(graph().node(nodeId));
    }

    /** The row that a node was loaded with; null unless memory was just loaded. */
    public @Nullable NodeRecord recorded(String nodeId) {
        Map<String, NodeRecord> rows = state.recorded();
        return rows == null ? null : rows.get(nodeId);
    }

    public Frame frame(String rootId) {
        Frame frame = frames.containsKey(rootId) ? frames.get(rootId) : state.frame(rootId);
        return required(frame, rootId);
    }

    /** The outcome of a JOIN branch that has ended. */
    public @Nullable Outcome kept(String branch) {
        return frame(branch).outcome();
    }

    public Substitution substitution(Running run) {
        return new Substitution(state.variables(), name -> find(name, run), texts);
    }

    /** The result that a name means where that node stands. */
    public @Nullable Result find(String name, Running run) {
        return names.find(state.names(), run.frameRoot(), this::parentFrame, name);
    }

    /** The names that a frame bound itself. */
    public Map<String, Result> names(String frameRoot) {
        return names.over(state.names(), frameRoot);
    }

    /** The text that an instance or execution ends with. */
    public static String output(Result result) {
        return result.columns() == null ? result.json() : ResultDocument.canonical(result);
    }

    // ---- what rules write

    public void enter(String child, Running parent) {
        tasks.push(new Enter(child, parent.stamp()));
    }

    public void end(Node node, Outcome outcome) {
        end(node, outcome, NONE, null);
    }

    public void end(Node node, Outcome outcome, Execution execution) {
        end(node, outcome, execution, null);
    }

    public void end(Node node, Outcome outcome, String rowError) {
        end(node, outcome, NONE, rowError);
    }

    private void end(Node node, Outcome outcome, Execution execution, @Nullable String rowError) {
        String stamp = required(running(node.id()), node.id()).stamp();
        Outcome how = outcome instanceof Outcome.Succeeded success ? rule(node).judged(this, success) : outcome;
        how = how instanceof Outcome.Failed failure ? failure.from(node.id()) : how;
        tasks.push(new Ended(node, stamp, how, execution, rowError));
    }

    /** The node goes on, as a step of the engine. */
    public void perform(Node node, Running run, Effect effect) {
        continueAs(node, run.in(Running.Phase.STEP, null));
        draft.start(effect);
    }

    /** The node goes on, as a timer. */
    public void await(Node node, Running run, Instant due) {
        await(node, run, due, until(due));
    }

    /** The node goes on, waiting for a moment of the calendar. */
    public void awaitMoment(Node node, Running run, Instant due) {
        await(node, run, due, null);
    }

    private Duration until(Instant due) {
        return Duration.between(at(), due);
    }

    private void await(Node node, Running run, Instant due, @Nullable Duration span) {
        continueAs(node, run.in(Running.Phase.TIMER, due));
        draft.start(new Effect.StartTimer(new Activation(node.id(), run.stamp()), due, span));
    }

    /** A time that was computed before, and never more than so long from now: the clock may have been set back since. */
    public Instant within(Duration span, Instant due) {
        return until(due).compareTo(span) > 0 ? at().plus(span) : due;
    }

    /** The node goes on, waiting for a signal. */
    public void awaitSignal(Node node, Running run, String name, @Nullable Instant deadline) {
        continueAs(node, run.in(Running.Phase.SIGNAL, deadline));
        draft.start(new Effect.AwaitSignal(
                new Activation(node.id(), run.stamp()), name, deadline, deadline == null ? null : until(deadline)));
    }

    public void consume(long signalId, Node node) {
        draft.consume(new Consumption(signalId, node.id()));
    }

    public Running continueAs(Node node, Running run) {
        running.put(node.id(), run);
        return run;
    }

    public void persistRunning(Node node, Running run, @Nullable Instant wakeAt, @Nullable String bindings) {
        draft.running(node.id(), run.stamp(), wakeAt, run.startedAt(), bindings);
    }

    /** The node waits for its next attempt. */
    public void persistRetrying(Node node, Running run, Instant wakeAt, int attempt, String lastError) {
        draft.retrying(node.id(), run.stamp(), wakeAt, run.startedAt(), attempt, lastError);
    }

    public void bind(String frameRoot, String name, Result result) {
        names.bind(frameRoot, name, result);
    }

    public void clearNames(String frameRoot) {
        names.clear(frameRoot);
    }

    public void setFrame(String rootId, Frame frame) {
        frames.put(rootId, frame);
    }

    /** Keeps the outcome of a JOIN branch until the JOIN ends. */
    public void keep(Node branch, Outcome outcome) {
        setFrame(branch.id(), frame(branch.id()).ended(outcome));
    }

    /** Binds in the frame of a node what a frame below it bound itself. */
    public void mergeNames(String from, Running into) {
        names(from).forEach((name, result) -> names.bind(into.frameRoot(), name, result));
    }

    /** Takes a name away that a frame bound itself. */
    public void unbind(String frameRoot, String name) {
        Map<String, Result> others = names(frameRoot);
        others.remove(name);
        names.clear(frameRoot);
        others.forEach((other, result) -> names.bind(frameRoot, other, result));
    }

    /** Forgets a frame that is open, or was. */
    public void close(String rootId) {
        if (isOpen(rootId)) {
            frames.put(rootId, null);
            names.clear(rootId);
        }
    }

    public void nextExecution(Checkpoint.NextExecution next) {
        draft.nextExecution(next);
    }

    /** What failed its JOIN or RACE carries the message of that failure. */
    public void rewriteFailure(String loop, Outcome.Failed failure) {
        Frame frame = frame(loop);
        Execution execution = new Execution(frame.begun(), 0, null);
        draft.ended(
                loop,
                frame.text(),
                null,
                failure.error(),
                failure.code(),
                failure.detail(),
                execution,
                frame.bindings());
    }

    /**
     * Interrupts whatever runs below a node.
     *
     * @param loopError see {@link Interruption#below}
     */
    public void interrupt(String rootId, String reason, @Nullable String loopError) {
        new Interruption(this, draft, state, reason).below(rootId, loopError);
    }

    void forget(String nodeId) {
        running.put(nodeId, null);
    }

    // ---- the work

    private void work() {
        while (!tasks.isEmpty() && !draft.hasEnd()) {
            Task task = tasks.pop();
            if (task instanceof Enter enter) {
                enter(enter);
            } else if (task instanceof Ended ended) {
                ended(ended);
            }
        }
    }

    private void enter(Enter task) {
        Node node = graph().node(task.nodeId());
        Node parent = graph().parent(node.id());
        Running above = parent == null ? null : running(parent.id());
        if (parent != null && (above == null || !above.stamp().equals(task.parentStamp()))) {
            return; // the parent has ended meanwhile, or is in another round
        }
        Rule rule = rule(node);
        boolean opensFrame = parent == null || rule(parent).isBranching() || rule.opensFrame();
        String frameRoot = above == null || opensFrame ? node.id() : above.frameRoot();
        if (opensFrame) {
            ActivationId first = above == null
                    ? ActivationId.root(state.instanceId())
                    : frame(above.frameRoot()).stamp().child(node.id());
            setFrame(node.id(), rule.open(this, first));
        }
        String stamp = frame(frameRoot).text();
        NodeRecord row = recorded(node.id());
        if (row != null && !stamp.equals(row.stamp())) {
            row = null;
        }
        Instant startedAt = row == null || row.startedAt() == null ? at : row.startedAt();
        Running run = new Running(frameRoot, stamp, Running.Phase.COMPOUND, startedAt, null, 0);
        if (row != null && row.status() == NodeStatus.FAILED && row.canceled()) {
            running.put(node.id(), run.in(Running.Phase.BLOCKED, null));
            return;
        }
        running.put(node.id(), run);
        rule.enter(this, run, row);
    }

    private void ended(Ended task) {
        Node node = task.node();
        Running run = running(node.id());
        if (run == null || !run.stamp().equals(task.stamp())) {
            return; // interrupted meanwhile
        }
        record(task, run);
        String name = node.resultName();
        if (name != null && task.outcome() instanceof Outcome.Succeeded success) {
            names.bind(run.frameRoot(), name, success.result());
        }
        Node parent = graph().parent(node.id());
        running.put(node.id(), null);
        if (parent == null) {
            finish(task.outcome());
            return;
        }
        Running above = required(running(parent.id()), parent.id());
        if (rule(node).opensFrame() && !rule(parent).isBranching()) {
            mergeNames(node.id(), above);
            close(node.id());
        }
        rule(parent).childEnded(this, above, node, task.outcome());
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
        Execution execution = task.execution() == NONE ? new Execution(run.startedAt(), 0, null) : task.execution();
        String bindings = rule(task.node()).bindings(frame(run.frameRoot()));
        draft.ended(task.node().id(), run.stamp(), result, error, code, detail, execution, bindings);
    }

    private void finish(Outcome outcome) {
        if (outcome instanceof Outcome.Succeeded success) {
            finish(Checkpoint.InstanceEnd.Status.COMPLETED, output(success.result()));
        } else if (outcome instanceof Outcome.Failed failure) {
            finish(Checkpoint.InstanceEnd.Status.FAILED, failure.error());
        } else {
            finish(Checkpoint.InstanceEnd.Status.FAILED, BREAK_OUTSIDE);
        }
    }

    private void finish(Checkpoint.InstanceEnd.Status status, String output) {
        draft.end(new Checkpoint.InstanceEnd(status, output));
    }

    @Nullable Running running(String nodeId) {
        return running.containsKey(nodeId) ? running.get(nodeId) : state.running(nodeId);
    }

    boolean isOpen(String rootId) {
        return (frames.containsKey(rootId) ? frames.get(rootId) : state.frame(rootId)) != null;
    }

    private @Nullable String parentFrame(String frameRoot) {
        Node parent = graph().parent(frameRoot);
        Running above = parent == null ? null : running(parent.id());
        return above == null ? null : above.frameRoot();
    }

    private static <T> T required(@Nullable T value, String nodeId) {
        if (value == null) {
            throw new IllegalStateException("the memory of node " + nodeId + " is incomplete");
        }
        return value;
    }
}
