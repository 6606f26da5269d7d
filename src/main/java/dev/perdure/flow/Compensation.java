package dev.perdure.flow;

import dev.perdure.flow.result.Bindings;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.Node;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The undos of sagas within one decision. A node waits until they are done: the saga that fails, the RACE or TIMEOUT that has interrupted
 * it, or the root of a cancelled instance. An undo runs apart from the tree, under its WITH_UNDO, with the names of its registration: so no
 * interruption reaches it, and the node that waits for it can change.
 */
public final class Compensation {

    private final DecisionBuilder decision;
    private final CheckpointBuilder draft;
    private final InstanceState state;
    private final Map<Integer, Undo> changed = new HashMap<>();
    private @Nullable String cancelling;

    Compensation(DecisionBuilder decision, CheckpointBuilder draft, InstanceState state) {
        this.decision = decision;
        this.draft = draft;
        this.state = state;
        this.cancelling = state.cancelling();
    }

    /** Undos that this decision changes. */
    Map<Integer, Undo> changed() {
        return changed;
    }

    /** The reason of a cancel, whose instance ends when all is undone; null without one. */
    @Nullable String cancelling() {
        return cancelling;
    }

    boolean isCancelling() {
        return cancelling != null;
    }

    // ---- what is registered

    /**
     * Registers the undo of a node with the saga around it, with the present names. An undo that was registered before a crash is not
     * registered again.
     *
     * @param result of its step; null when that has not begun
     */
    public void register(Node node, Running run, @Nullable Result result) {
        Map<String, Result> visible = decision.frames().visibleNames(run);
        if (node.resultName() != null && result != null) {
            visible.put(node.resultName(), result);
        }
        Node saga = decision.graph().saga(node.id());
        if (saga == null || decision.running(saga.id()) == null || isKnown(node, run)) {
            return;
        }
        TreeMap<Integer, Undo> all = all();
        int number = all.values().stream()
                .filter(undo -> !undo.isPending() && isLongOver(undo))
                .map(Undo::number)
                .findFirst()
                .orElse(all.isEmpty() ? 1 : all.lastKey() + 1);
        int order = 1 + all.values().stream().mapToInt(Undo::order).max().orElse(0);
        put(new Undo(
                number,
                order,
                node.id(),
                run.stamp(),
                saga.id(),
                Bindings.write(mentioned(node, visible)),
                NodeStatus.RUNNING,
                null,
                null,
                false));
    }

    private boolean isKnown(Node node, Running run) {
        NodeRecord row = decision.recorded(node.id());
        boolean hasEnded =
                row != null && run.stamp().equals(row.stamp()) && row.status().isTerminal();
        return hasEnded
                || states().anyMatch(undo ->
                        undo.node().equals(node.id()) && undo.stamp().equals(run.stamp()));
    }

    /** Whether its activation is of an earlier round, or attempt, of a node that runs: no crash leads back there. */
    private boolean isLongOver(Undo undo) {
        String below = undo.node();
        for (Node above = decision.graph().parent(below);
                above != null;
                above = decision.graph().parent(below)) {
            // A WITH_UNDO that runs its undo says nothing of what ran in its step.
            boolean isApart =
                    isUndo(above.id()) && !below.equals(decision.graph().undo(above.id()));
            below = above.id();
            Running run = decision.running(above.id());
            if (run != null && !isApart) {
                return !undo.stamp().equals(run.stamp()) && !undo.stamp().startsWith(run.stamp() + "::");
            }
        }
        return false;
    }

    private Map<String, Result> mentioned(Node node, Map<String, Result> visible) {
        StringBuilder texts = new StringBuilder();
        Deque<String> open = new ArrayDeque<>(List.of(undoOf(node.id())));
        while (!open.isEmpty()) {
            String id = open.pop();
            texts.append(decision.graph().node(id));
            open.addAll(decision.graph().children(id));
        }
        Map<String, Result> names = new TreeMap<>();
        visible.forEach((name, result) -> {
            if (texts.indexOf(name) >= 0) {
                names.put(name, result);
            }
        });
        return names;
    }

    /** Hands the undos of a completed saga to the saga around it, or drops them. */
    public void settle(Node saga) {
        Node outer = decision.graph().saga(saga.id());
        states().filter(undo -> undo.isPending() && undo.saga().equals(saga.id()))
                .sorted(Comparator.comparing(Undo::order))
                .toList()
                .forEach(undo ->
                        put(outer == null || decision.running(outer.id()) == null ? undo.over() : undo.of(outer.id())));
    }

    // ---- what is undone

    /** Begins the undos of a cancelled instance, whose root was interrupted. */
    void cancel(Node root, Running run, String reason) {
        cancelling = reason;
        undo(root, run);
    }

    /** Undoes the sagas in a node that no longer runs; {@link Rule#undone} follows, at once when there is nothing to undo. */
    public void undo(Node node, Running run) {
        if (isPending(node)) {
            next(node, decision.continueAs(node, run.in(Running.Phase.UNDOING, null)));
        } else {
            undone(node, run);
        }
    }

    private void undone(Node node, Running run) {
        Rule rule = decision.rule(node);
        if (cancelling != null) {
            decision.forget(node.id());
            draft.end(new Checkpoint.InstanceEnd(
                    Checkpoint.InstanceEnd.Status.CANCELLED, "canceled: " + cancelling + notes(node)));
        } else if (run.phase() == Running.Phase.UNDOING) {
            rule.undone(decision, decision.continueAs(node, run.in(rule.phaseWhenUndone(), null)));
        } else {
            rule.undone(decision, run);
        }
    }

    /** Whether sagas in a node that no longer runs have something to undo. */
    public boolean isPending(Node node) {
        return !pending(node).isEmpty();
    }

    /** Begins the latest undo that is left in a node, unless one is under way; when there is none, the node goes on. */
    void next(Node node, Running run) {
        List<Undo> left = pending(node);
        if (left.isEmpty()) {
            undone(node, run);
            return;
        }
        // Several, when each of two sagas had begun before both were interrupted.
        List<Undo> begun = left.stream().filter(Undo::isBegun).toList();
        for (Undo undo : begun) {
            if (!isRunning(undo)) {
                begin(undo);
            }
        }
        if (begun.isEmpty()) {
            Undo last = left.get(left.size() - 1);
            ActivationId scope = ActivationId.parse(run.stamp());
            if (scope == null) {
                throw new IllegalStateException("node " + node.id() + " has no stamp");
            }
            Undo begins =
                    last.begun(new ActivationId(scope.child(undoOf(last.node())).scope(), 1 + latest()));
            put(begins);
            begin(begins);
        }
    }

    /** Begins an undo under its WITH_UNDO, apart from the frames around that. */
    private void begin(Undo undo) {
        String id = undo.node();
        ActivationId stamp = ActivationId.parse(undo.undoing());
        if (stamp == null) {
            throw new IllegalStateException("the undo of node " + id + " has not begun");
        }
        decision.frames().put(id, Frame.open(stamp, decision.at(), null));
        undo.results().forEach((name, result) -> decision.frames().bind(id, name, result));
        Running run = decision.continueAs(
                decision.graph().node(id),
                new Running(id, stamp.text(), Running.Phase.COMPOUND, decision.at(), null, 0));
        decision.enter(undoOf(id), run);
    }

    private String undoOf(String nodeId) {
        String undo = decision.graph().undo(nodeId);
        if (undo == null) {
            throw new IllegalStateException("node " + nodeId + " has no undo");
        }
        return undo;
    }

    /** The latest generation of the undos that were begun; the next one is later, so that its rows replace theirs. */
    private long latest() {
        long latest = 0;
        for (Undo undo : states().toList()) {
            ActivationId activation = ActivationId.parse(undo.undoing());
            latest = activation == null ? latest : Math.max(latest, activation.generation());
        }
        return latest;
    }

    /** Notes that an undo was done, or given up. */
    public void ended(Node node, Running run, Outcome outcome) {
        decision.forget(node.id());
        decision.frames().close(node.id());
        Undo undo = states().filter(one -> one.isBegun() && run.stamp().equals(one.undoing()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("nothing is undone by node " + node.id()));
        if (outcome instanceof Outcome.Failed failure) {
            put(undo.givenUp(failure.error()));
        } else {
            put(undo.over());
            draft.compensated();
        }
        for (Node above = decision.graph().node(undo.saga());
                above != null;
                above = decision.graph().parent(above.id())) {
            Running waits = decision.running(above.id());
            if (waits != null && waits.phase() == Running.Phase.UNDOING) {
                next(above, waits);
                return;
            }
        }
    }

    /** Whether a WITH_UNDO runs its undo, and not its step. */
    boolean isUndo(String nodeId) {
        return states().anyMatch(undo -> undo.isBegun() && undo.node().equals(nodeId) && isRunning(undo));
    }

    private boolean isRunning(Undo undo) {
        Running run = decision.running(undo.node());
        return run != null && run.stamp().equals(undo.undoing());
    }

    /** The undos that were given up in a node, or anywhere, as a text for the failure's message; empty when there are none. */
    public String notes(Node node) {
        String nodeId = undoneBelow(node);
        StringBuilder notes = new StringBuilder();
        states().filter(undo -> undo.status() == NodeStatus.FAILED && isIn(undo.saga(), nodeId))
                .sorted(Comparator.comparing(Undo::order).reversed())
                .forEach(undo -> notes.append(" (the undo of node ")
                        .append(undo.node())
                        .append(" was given up: ")
                        .append(undo.error())
                        .append(')'));
        return notes.toString();
    }

    /** Whether a saga has to try an undo again that was given up before the redrive. */
    public boolean isPendingAgain(Node saga) {
        return states().anyMatch(
                        undo -> undo.again() && undo.isPending() && undo.saga().equals(saga.id()));
    }

    /** Whether an undo of a saga was tried again in vain. */
    public boolean isGivenUpAgain(Node saga) {
        return states().anyMatch(undo -> undo.again()
                && undo.status() == NodeStatus.FAILED
                && undo.saga().equals(saga.id()));
    }

    private List<Undo> pending(Node node) {
        String nodeId = undoneBelow(node);
        return states().filter(undo -> undo.isPending() && isIn(undo.saga(), nodeId))
                .sorted(Comparator.comparing(Undo::order))
                .toList();
    }

    /** The node below which a node undoes; everywhere, when the instance is cancelled. */
    private String undoneBelow(Node node) {
        return cancelling == null
                ? decision.rule(node).undoneBelow(node.id())
                : decision.graph().rootId();
    }

    private boolean isIn(String id, String nodeId) {
        if (!decision.graph().contains(id)) {
            return false;
        }
        for (Node above = decision.graph().node(id);
                above != null;
                above = decision.graph().parent(above.id())) {
            if (above.id().equals(nodeId)) {
                return true;
            }
        }
        return false;
    }

    private void put(Undo undo) {
        changed.put(undo.number(), undo);
        draft.undo(undo);
    }

    private Stream<Undo> states() {
        return state.undos().isEmpty() && changed.isEmpty() ? Stream.of() : all().values().stream();
    }

    private TreeMap<Integer, Undo> all() {
        TreeMap<Integer, Undo> all = new TreeMap<>(state.undos());
        all.putAll(changed);
        return all;
    }
}
