package dev.perdure.flow;

import dev.perdure.flow.template.TextLimits;
import dev.perdure.flow.template.Variables;
import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Where an instance stands. It changes only through {@link #apply}, after the decision's checkpoint was committed, and
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
    private final Map<String, Running> running = new HashMap<>();
    private final Map<String, KnownRow> rows = new HashMap<>();
    private final Set<String> shownWaiting = new HashSet<>();
    private final Map<String, Frame> frames = new HashMap<>();
    private final Names names;
    private final TreeSet<Wake> timers =
            new TreeSet<>(Comparator.comparing(Wake::at).thenComparing(Wake::nodeId));
    /** Waits for signals, by when they began. */
    private final TreeSet<Wake> waits =
            new TreeSet<>(Comparator.comparing(Wake::at).thenComparing(Wake::nodeId));

    private int steps;
    /** What the database knew when the instance was loaded; gone once memory has found its position in it. */
    private @Nullable Map<String, NodeRecord> recorded;

    private long version;
    private boolean ended;

    private InstanceState(String instanceId, Variables variables, Graph graph, TextLimits limits, Names names) {
        this.instanceId = instanceId;
        this.variables = variables;
        this.graph = graph;
        this.limits = limits;
        this.names = names;
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
        return load(instanceId, label, vars, graph, rows, TextLimits.DEFAULT);
    }

    /**
     * The same.
     *
     * @param limits of the texts that decisions make
     */
    public static InstanceState load(
            String instanceId,
            @Nullable String label,
            Map<String, String> vars,
            Graph graph,
            Map<String, NodeRecord> rows,
            TextLimits limits) {
        Variables variables = new Variables(instanceId, label, Map.copyOf(vars));
        InstanceState state = new InstanceState(instanceId, variables, graph, limits, new Names());
        state.recorded = Map.copyOf(rows);
        rows.forEach((node, row) -> {
            if (row.stamp() != null) {
                state.rows.put(node, new KnownRow(row.stamp(), row.status()));
            }
        });
        return state;
    }

    /** A second memory of the same instance, on which a decision can be applied before it is committed. */
    public InstanceState copy() {
        InstanceState copy = new InstanceState(instanceId, variables, graph, limits, names.copy());
        copy.running.putAll(running);
        copy.rows.putAll(rows);
        copy.frames.putAll(frames);
        copy.timers.addAll(timers);
        copy.waits.addAll(waits);
        copy.steps = steps;
        copy.recorded = recorded;
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
        recorded = null;
        change.running.forEach(this::setRunning);
        rows.putAll(change.rows);
        change.frames.forEach((root, frame) -> {
            if (frame == null) {
                frames.remove(root);
            } else {
                frames.put(root, frame);
            }
        });
        names.apply(change.names);
        if (change.ends) {
            ended = true;
            running.clear();
            frames.clear();
            timers.clear();
            waits.clear();
            steps = 0;
        }
    }

    /** Whether this is the state that a decision was taken on. */
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
     * A node that runs, but whose row does not say so.
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
            if (!isMarked && run.phase() != Running.Phase.BLOCKED) {
                unmarked.add(new Unmarked(node, row == null ? null : row.stamp(), run.stamp()));
            }
        });
        return unmarked;
    }

    /** The node's row says that it waits before it is executed: when it is, that has to be said anew. */
    public void shownWaiting(String nodeId) {
        shownWaiting.add(nodeId);
    }

    /** A mark was committed: the node's row says {@code running} under that stamp. A late word of it changes nothing. */
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
     * Whether timers and signals are all that the instance waits for, so that it can leave memory until
     * {@link #earliestWake} or a signal.
     */
    public boolean isOnlyWaiting() {
        return !ended && steps == 0 && !(timers.isEmpty() && waits.isEmpty());
    }

    /**
     * How an instance waits.
     *
     * @param only whether it does nothing else: see {@link #isOnlyWaiting}
     * @param until when the first of its timers is due; null when it has none
     */
    public record Waiting(boolean only, @Nullable Instant until) {}

    /** How the instance waits. */
    public Waiting waiting() {
        return new Waiting(isOnlyWaiting(), earliestWake());
    }

    /** How it will wait once a decision is applied. */
    public Waiting waitingAfter(Decision decision) {
        StateDelta change = decision.change();
        if (change.ends) {
            return new Waiting(false, null);
        }
        int stepsLeft = steps;
        int waitsLeft = waits.size();
        Set<Wake> gone = new HashSet<>();
        TreeSet<Wake> timersThen = new TreeSet<>(timers.comparator());
        for (Map.Entry<String, @Nullable Running> entry : change.running.entrySet()) {
            Running before = running.get(entry.getKey());
            Running after = entry.getValue();
            stepsLeft += isStep(after) - isStep(before);
            waitsLeft += isWait(after) - isWait(before);
            if (before != null && before.isTimed()) {
                gone.add(new Wake(before.wakeAt(), entry.getKey()));
            }
            if (after != null && after.isTimed()) {
                timersThen.add(new Wake(after.wakeAt(), entry.getKey()));
            }
        }
        timers.stream().filter(timer -> !gone.contains(timer)).findFirst().ifPresent(timersThen::add);
        boolean only = stepsLeft == 0 && (waitsLeft > 0 || !timersThen.isEmpty());
        return new Waiting(
                only, timersThen.isEmpty() ? null : timersThen.first().at());
    }

    private static int isStep(@Nullable Running run) {
        return run != null && run.phase() == Running.Phase.STEP ? 1 : 0;
    }

    private static int isWait(@Nullable Running run) {
        return run != null && run.phase() == Running.Phase.SIGNAL ? 1 : 0;
    }

    /** Bytes that results take in memory, about: under names, and as outcomes that something may still need. */
    public long resultBytes() {
        long bytes = names.bytes();
        for (Frame frame : frames.values()) {
            bytes += frame.bytes();
        }
        return bytes;
    }

    /** When the first of its timers is due; null when it has none. */
    public @Nullable Instant earliestWake() {
        return timers.isEmpty() ? null : timers.first().at();
    }

    /** The waits for signals, the longest first. */
    public List<SignalWait> signalWaits() {
        return waits.stream()
                .map(wait -> {
                    Node node = graph.node(wait.nodeId());
                    return new SignalWait(
                            new Activation(
                                    node.id(),
                                    Objects.requireNonNull(running.get(node.id()))
                                            .stamp()),
                            Objects.requireNonNull(node.awaitedSignal()));
                })
                .toList();
    }

    /** Number of steps (not timers) that are waited for. */
    public int activeSteps() {
        return steps;
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

    private void setRunning(String node, @Nullable Running next) {
        Running before = next == null ? running.remove(node) : running.put(node, next);
        if (before != null) {
            count(node, before, -1);
        }
        if (next != null) {
            count(node, next, 1);
        }
    }

    private void count(String node, Running run, int sign) {
        Instant wakeAt = run.wakeAt();
        if (run.phase() == Running.Phase.STEP) {
            steps += sign;
        } else if (run.phase() == Running.Phase.TIMER || run.phase() == Running.Phase.SIGNAL) {
            if (wakeAt != null) {
                change(timers, new Wake(wakeAt, node), sign);
            }
            if (run.phase() == Running.Phase.SIGNAL) {
                change(waits, new Wake(run.startedAt(), node), sign);
            }
        }
    }

    private static void change(TreeSet<Wake> wakes, Wake wake, int sign) {
        if (sign > 0) {
            wakes.add(wake);
        } else {
            wakes.remove(wake);
        }
    }

    private record Wake(Instant at, String nodeId) {}
}
