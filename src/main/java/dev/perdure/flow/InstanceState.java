package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.AddressBook;
import dev.perdure.flow.template.TextLimits;
import dev.perdure.flow.template.Variables;
import dev.perdure.graph.Graph;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The position of an instance. It changes only through {@link #apply}, after the decision's checkpoint was committed, and
 * through {@link #marked}; {@link Interpreter#decide} only reads it. Not safe for use by several threads at once.
 *
 * <p>Results stay in memory only while something can still need them: under a name in an open scope, as a branch's
 * outcome until its JOIN ends, as a loop body's until the condition has ended.
 */
public final class InstanceState {

    private final String instanceId;
    private final Variables variables;
    private final Graph graph;
    private final TextLimits limits;
    private final long execution;
    private final Map<String, Running> running = new HashMap<>();
    private final Map<String, KnownRow> rows = new HashMap<>();
    private final Set<String> shownWaiting = new HashSet<>();
    private final Map<String, Frame> frames = new HashMap<>();
    private final Names names;
    private final TreeMap<Integer, Undo> undos = new TreeMap<>();
    private @Nullable String cancelling;
    /** The names that are bound from outside: of an item, the names that its map sees, and the item. */
    private final Map<String, Result> given;

    private final Waits waits = new Waits();
    /** The rows of the loaded instance; null once memory has found its position in them. */
    private @Nullable Map<String, NodeRecord> recorded;

    private final RowsBelow below = new RowsBelow();
    private long version;
    private boolean ended;

    private InstanceState(
            String instanceId,
            Variables variables,
            Graph graph,
            TextLimits limits,
            long execution,
            Names names,
            Map<String, Result> given) {
        this.instanceId = instanceId;
        this.execution = execution;
        this.variables = variables;
        this.graph = graph;
        this.limits = limits;
        this.names = names;
        this.given = given;
    }

    /**
     * An instance as the database knows it. Its first event must be {@link Event.Loaded} (or {@link Event.Cancelled}).
     *
     * @param label for {@code {sys_label}}
     * @param vars the variables captured at the start
     * @param rows the execution part of the node rows by node id; rows that were never reached may be left out
     */
    public static InstanceState load(
            String instanceId,
            @Nullable String label,
            Map<String, String> vars,
            Graph graph,
            Map<String, NodeRecord> rows) {
        return load(instanceId, label, vars, graph, rows, TextLimits.DEFAULT, 1, AddressBook.NONE);
    }

    /** The same instance, with limits for its decisions, an address book for its steps, and without the rows of earlier executions. */
    public static InstanceState load(
            String instanceId,
            @Nullable String label,
            Map<String, String> vars,
            Graph graph,
            Map<String, NodeRecord> rows,
            TextLimits limits,
            long execution,
            AddressBook addresses) {
        Variables variables = new Variables(instanceId, label, Map.copyOf(vars), addresses);
        return load(instanceId, variables, graph, rows, limits, execution, Map.of());
    }

    private static InstanceState load(
            String instanceId,
            Variables variables,
            Graph graph,
            Map<String, NodeRecord> rows,
            TextLimits limits,
            long execution,
            Map<String, Result> given) {
        InstanceState state = new InstanceState(instanceId, variables, graph, limits, execution, new Names(), given);
        state.recorded = Map.copyOf(rows);
        rows.forEach((node, row) -> {
            if (row.stamp() != null) {
                state.rows.put(node, new KnownRow(row.stamp(), row.status()));
            }
            Undo undo = Undo.read(node, row);
            if (undo != null) {
                state.undos.put(undo.number(), undo);
            }
        });
        return state;
    }

    /**
     * An item of a map of this instance, as the database knows it. Its first event must be {@link Event.Loaded}.
     *
     * @param root the key by which the item is known, and which run of it this is, from 1
     * @param flow what is done for it ({@link Graph#ofItem})
     * @param names that it sees: those that the map sees, and its own
     * @param recorded what the database knows of its nodes
     */
    public InstanceState item(
            ActivationId root, long ordinal, Graph flow, Map<String, Result> names, Map<String, NodeRecord> recorded) {
        return load(root.scope(), variables.ofItem(ordinal), flow, recorded, limits, root.generation(), names);
    }

    /** A second memory of the same instance, on which a decision can be applied before it is committed. */
    public InstanceState copy() {
        InstanceState copy = new InstanceState(instanceId, variables, graph, limits, execution, names.copy(), given);
        copy.running.putAll(running);
        copy.rows.putAll(rows);
        copy.frames.putAll(frames);
        copy.waits.addAll(waits);
        copy.undos.putAll(undos);
        copy.cancelling = cancelling;
        copy.recorded = recorded;
        copy.below.copy(below);
        copy.version = version;
        copy.ended = ended;
        return copy;
    }

    public String instanceId() {
        return instanceId;
    }

    public Graph graph() {
        return graph;
    }

    /**
     * Advances memory.
     *
     * @throws IllegalStateException when the decision was taken on another state than this
     */
    public void apply(Decision decision) {
        StateDelta change = decision.change();
        if (change == StateDelta.NONE) {
            return;
        }
        if (change.basis != version) {
            throw new IllegalStateException("instance " + instanceId + ": a decision on state " + change.basis
                    + " cannot be applied to state " + version);
        }
        version++;
        change.running.forEach(this::setRunning);
        below.settle(graph, running, recorded);
        recorded = null;
        rows.putAll(change.rows);
        change.frames.forEach((root, frame) -> {
            if (frame == null) {
                frames.remove(root);
            } else {
                frames.put(root, frame);
            }
        });
        names.apply(change.names);
        undos.putAll(change.undos);
        cancelling = change.cancelling;
        if (change.ends) {
            ended = true;
            running.clear();
            frames.clear();
            waits.clear();
        }
    }

    /** Whether a decision was taken on this state. */
    public boolean isAt(Decision decision) {
        return decision.change() == StateDelta.NONE || decision.change().basis == version;
    }

    /** Whether a step or timer is still waited for. Its result decides nothing when it is not. */
    public boolean isActive(Activation activation) {
        Running node = running.get(activation.nodeId());
        return !ended && node != null && node.isWaitedFor() && node.stamp().equals(activation.stamp());
    }

    public boolean hasEnded() {
        return ended;
    }

    /**
     * A node that runs without a row that says so.
     *
     * @param priorStamp the stamp that its row carries as far as memory knows
     * @param stamp the stamp that it runs under
     */
    public record Unmarked(String nodeId, @Nullable String priorStamp, String stamp) {}

    /** All nodes, compound ones included, that run in memory without being recorded as running. */
    public List<Unmarked> runningNodes() {
        List<Unmarked> unmarked = new ArrayList<>();
        if (ended) {
            return unmarked;
        }
        running.forEach((node, run) -> {
            KnownRow row = rows.get(node);
            boolean isMarked = row != null
                    && row.stamp().equals(run.stamp())
                    && row.status() == NodeStatus.RUNNING
                    && !shownWaiting.contains(node);
            if (!isMarked && run.phase() != Running.Phase.BLOCKED && !isUndo(node, run)) {
                unmarked.add(new Unmarked(node, row == null ? null : row.stamp(), run.stamp()));
            }
        });
        return unmarked;
    }

    /** Whether a node is doing an undo: its row says how the step ended. */
    private boolean isUndo(String node, Running run) {
        return !undos.isEmpty()
                && graph.undo(node) != null
                && undos.values().stream().anyMatch(undo -> run.stamp().equals(undo.undoing()));
    }

    /** Notes that the node's row says that it waits; once it is executed, the row has to be written anew. */
    public void shownWaiting(String nodeId) {
        shownWaiting.add(nodeId);
    }

    /** Notes a committed mark: the node's row says {@code running} under that stamp. A late call changes nothing. */
    public void marked(String nodeId, String stamp) {
        shownWaiting.remove(nodeId);
        KnownRow row = rows.get(nodeId);
        boolean isLate = row != null
                && (ActivationId.fences(row.stamp(), stamp)
                        || row.stamp().equals(stamp) && row.status().isTerminal());
        if (!isLate) {
            rows.put(nodeId, new KnownRow(stamp, NodeStatus.RUNNING));
        }
    }

    /**
     * The wait of an instance.
     *
     * @param only whether timers and signals are all that it waits for, so that it can leave memory until then, or a signal
     * @param until when the first of its timers is due; null when it has none
     */
    public record Waiting(boolean only, @Nullable Instant until) {}

    /** The present wait of the instance. */
    public Waiting waiting() {
        return waits.waiting();
    }

    /** The wait of the instance once a decision is applied. */
    public Waiting waitingAfter(Decision decision) {
        StateDelta change = decision.change();
        return change.ends ? new Waiting(false, null) : waits.waitingAfter(running, change.running);
    }

    /** Bytes that results take in memory, about: under names, and as outcomes that a node may still need. */
    public long resultBytes() {
        long bytes = names.bytes() + below.bytes();
        for (Frame frame : frames.values()) {
            bytes += frame.bytes();
        }
        for (Undo undo : undos.values()) {
            bytes += undo.bytes();
        }
        return bytes;
    }

    /** The waits for signals, the longest first. */
    public List<SignalWait> signalWaits() {
        return waits.forSignals().stream()
                .map(node -> {
                    String stamp = Objects.requireNonNull(running.get(node)).stamp();
                    return new SignalWait(
                            new Activation(node, stamp),
                            Objects.requireNonNull(graph.node(node).awaitedSignal(stamp)));
                })
                .toList();
    }

    /** The steps that a time limit interrupts when it is over; none when the activation is another kind of timer. */
    public List<Activation> stepsUnder(Activation limit) {
        List<Activation> steps = new ArrayList<>();
        Running run = running.get(limit.nodeId());
        if (run == null || run.phase() != Running.Phase.LIMITED || !isActive(limit)) {
            return steps;
        }
        Deque<String> open = new ArrayDeque<>(graph.children(limit.nodeId()));
        while (!open.isEmpty()) {
            String id = open.pop();
            Running below = running.get(id);
            if (below != null && below.phase() == Running.Phase.STEP) {
                steps.add(new Activation(id, below.stamp()));
            }
            // What undoes a step is out of its reach.
            graph.children(id).stream()
                    .filter(child -> !child.equals(graph.undo(id)))
                    .forEach(open::add);
        }
        return steps;
    }

    /** Number of steps (not timers) that are waited for. */
    public int activeSteps() {
        return waits.forSteps();
    }

    /** The undos of the instance, by the numbers of their records. */
    TreeMap<Integer, Undo> undos() {
        return undos;
    }

    /** The reason of a cancel after which undos run before the end; null otherwise. */
    @Nullable String cancelling() {
        return cancelling;
    }

    Map<String, Result> given() {
        return given;
    }

    long execution() {
        return execution;
    }

    TextLimits limits() {
        return limits;
    }

    Variables variables() {
        return variables;
    }

    long version() {
        return version;
    }

    Names names() {
        return names;
    }

    @Nullable Running running(String nodeId) {
        return running.get(nodeId);
    }

    @Nullable KnownRow row(String nodeId) {
        return rows.get(nodeId);
    }

    @Nullable Frame frame(String rootId) {
        return frames.get(rootId);
    }

    /** The rows that were loaded; null once the position in them was found. */
    @Nullable Map<String, NodeRecord> recorded() {
        return recorded;
    }

    /** The row of a node that it was loaded with, for as long as memory has not found its position in it. */
    @Nullable NodeRecord recorded(String nodeId) {
        return recorded == null ? below.of(nodeId) : recorded.get(nodeId);
    }

    private void setRunning(String node, @Nullable Running next) {
        Running before = next == null ? running.remove(node) : running.put(node, next);
        if (before != null) {
            waits.ends(node, before);
        }
        if (next != null) {
            waits.begins(node, next);
        }
    }
}
