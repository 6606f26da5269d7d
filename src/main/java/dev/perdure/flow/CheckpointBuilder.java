package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The checkpoint and the effects of a decision while it is being taken: at most one transition a node. */
final class CheckpointBuilder {

    private final InstanceState state;
    private final Map<String, Transition> transitions = new LinkedHashMap<>();
    private final Map<String, KnownRow> rows = new LinkedHashMap<>();
    private final Map<Activation, Effect> effects = new LinkedHashMap<>();
    private final List<Consumption> consumed = new ArrayList<>();
    private final Map<String, EventWait> eventWaits = new LinkedHashMap<>();
    private final List<Assignment> assignments = new ArrayList<>();
    private final List<Activation> endedMaps = new ArrayList<>();
    private Checkpoint.@Nullable NextExecution nextExecution;
    private Checkpoint.@Nullable InstanceEnd end;
    private boolean compensated;

    CheckpointBuilder(InstanceState state) {
        this.state = state;
    }

    /** Adds the end of a node, unless its row says so already: then memory was loaded and found it decided. */
    void ended(
            String nodeId,
            String stamp,
            @Nullable Result result,
            @Nullable String error,
            @Nullable String code,
            @Nullable String detail,
            Execution execution,
            @Nullable String bindings) {
        NodeStatus status = error == null ? NodeStatus.COMPLETED : NodeStatus.FAILED;
        KnownRow known = rows.containsKey(nodeId) || state.recorded(nodeId) == null ? null : state.row(nodeId);
        if (known != null && known.status() == status && known.stamp().equals(stamp)) {
            return;
        }
        put(new Transition(
                nodeId,
                prior(nodeId),
                stamp,
                status,
                result,
                error,
                null,
                null,
                execution.startedAt(),
                execution.attempt(),
                execution.executedQuery(),
                execution.params(),
                bindings,
                code,
                detail,
                execution.remark()));
    }

    /** Adds a node that must be durable while it runs. */
    void running(String nodeId, String stamp, @Nullable Instant wakeAt, Instant startedAt, @Nullable String bindings) {
        put(new Transition(
                nodeId,
                prior(nodeId),
                stamp,
                NodeStatus.RUNNING,
                null,
                null,
                null,
                wakeAt,
                startedAt,
                0,
                null,
                null,
                bindings,
                null,
                null));
    }

    /** Adds the round of a loop. */
    void round(
            String nodeId,
            String stamp,
            @Nullable Instant wakeAt,
            Instant startedAt,
            @Nullable String bindings,
            @Nullable String lastError) {
        put(new Transition(
                nodeId,
                prior(nodeId),
                stamp,
                NodeStatus.RUNNING,
                null,
                lastError,
                null,
                wakeAt,
                startedAt,
                0,
                null,
                null,
                bindings,
                null,
                null));
    }

    /** Adds a node that waits for its next attempt, with the failure of the last one. */
    void retrying(String nodeId, String stamp, Instant wakeAt, Instant startedAt, int attempt, String lastError) {
        put(new Transition(
                nodeId,
                prior(nodeId),
                stamp,
                NodeStatus.RUNNING,
                null,
                lastError,
                null,
                wakeAt,
                startedAt,
                attempt,
                null,
                null,
                null,
                null,
                null));
    }

    /** Adds an interrupted node, whose failure decides nothing. */
    void canceled(
            String nodeId, String stamp, String error, String reason, Instant startedAt, @Nullable String bindings) {
        put(new Transition(
                nodeId,
                prior(nodeId),
                stamp,
                NodeStatus.FAILED,
                null,
                error,
                reason,
                null,
                startedAt,
                0,
                null,
                null,
                bindings,
                null,
                null));
    }

    /** Whether the row says, or will say with this checkpoint, that the activation runs. */
    boolean isRecordedRunning(String nodeId, String stamp) {
        KnownRow row = rows.getOrDefault(nodeId, state.row(nodeId));
        return row != null && row.status() == NodeStatus.RUNNING && row.stamp().equals(stamp);
    }

    void start(Effect effect) {
        effects.put(effect.activation(), effect);
    }

    /** Takes back an effect of this decision; false when it has none. */
    boolean takeBack(Activation activation) {
        return effects.remove(activation) != null;
    }

    /** Adds the record of an undo. */
    void undo(Undo undo) {
        put(new Transition(
                undo.id(),
                prior(undo.id()),
                undo.stamp(),
                undo.status(),
                null,
                undo.error(),
                null,
                null,
                null,
                0,
                null,
                null,
                undo.text(),
                null,
                null));
    }

    void compensated() {
        compensated = true;
    }

    void endMap(Activation map) {
        endedMaps.add(map);
    }

    void consume(Consumption consumption) {
        consumed.add(consumption);
    }

    void assign(Assignment assignment) {
        assignments.add(assignment);
    }

    /** Adds a wait for an event; the last one of a node counts. */
    void noteEventWait(EventWait wait) {
        eventWaits.put(wait.nodeId(), wait);
    }

    void nextExecution(Checkpoint.NextExecution next) {
        nextExecution = next;
    }

    /** Ends all maps, since the items of one may be written down though it was interrupted already. */
    void end(Checkpoint.InstanceEnd how) {
        end = how;
        if (state.graph().hasMaps()) {
            endedMaps.add(Checkpoint.ALL_MAPS);
        }
    }

    /** The step at which an item of a map has failed; null for instances, whose nodes have rows. */
    @Nullable FailedStep failedStep(Outcome.Failed failure) {
        Graph graph = state.graph();
        if (!graph.isOfItem() || failure.node() == null) {
            return null;
        }
        Node node = graph.node(failure.node());
        Transition row = transitions.get(node.id());
        return new FailedStep(
                node.id(),
                node.type(),
                graph.path(node.id()),
                graph.name(node.id()),
                row == null ? null : row.executedQuery(),
                row == null ? null : row.params(),
                failure.detail(),
                row == null ? Remark.NONE : row.remark(),
                row != null);
    }

    boolean hasEnd() {
        return end != null;
    }

    Map<String, KnownRow> rows() {
        return rows;
    }

    Checkpoint checkpoint() {
        return new Checkpoint(
                List.copyOf(transitions.values()),
                nextExecution,
                end,
                List.copyOf(consumed),
                List.copyOf(eventWaits.values()),
                List.copyOf(assignments),
                List.copyOf(endedMaps),
                compensated);
    }

    List<Effect> effects() {
        return List.copyOf(effects.values());
    }

    private void put(Transition transition) {
        transitions.put(transition.nodeId(), transition);
        rows.put(transition.nodeId(), new KnownRow(transition.stamp(), transition.status()));
    }

    private @Nullable String prior(String nodeId) {
        KnownRow row = state.row(nodeId);
        return row == null ? null : row.stamp();
    }
}
