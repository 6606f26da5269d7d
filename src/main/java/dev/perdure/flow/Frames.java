package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.graph.Node;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The open frames and the names that they bind, as one decision sees them: those of the state, with the decision's changes so far. A name
 * is looked up from the frame of a node outwards.
 */
public final class Frames {

    private final DecisionBuilder decision;
    private final InstanceState state;
    private final Map<String, @Nullable Frame> changed = new HashMap<>();
    private final Names names = new Names();

    Frames(DecisionBuilder decision, InstanceState state) {
        this.decision = decision;
        this.state = state;
    }

    /** Frames that this decision changes; null where one was closed. */
    Map<String, @Nullable Frame> changed() {
        return changed;
    }

    /** Names that this decision changes. */
    Names names() {
        return names;
    }

    // ---- frames

    public boolean isOpen(String rootId) {
        return find(rootId) != null;
    }

    public Frame get(String rootId) {
        Frame frame = find(rootId);
        if (frame == null) {
            throw new IllegalStateException("the memory of node " + rootId + " is incomplete");
        }
        return frame;
    }

    private @Nullable Frame find(String rootId) {
        return changed.containsKey(rootId) ? changed.get(rootId) : state.frame(rootId);
    }

    public void put(String rootId, Frame frame) {
        changed.put(rootId, frame);
    }

    /** Forgets a frame, open or not. */
    public void close(String rootId) {
        if (isOpen(rootId)) {
            changed.put(rootId, null);
            names.clear(rootId);
        }
    }

    /** The outcome of a JOIN branch that has ended. */
    public @Nullable Outcome kept(String branch) {
        return get(branch).outcome();
    }

    /** Keeps the outcome of a JOIN branch until the JOIN ends. */
    public void keep(Node branch, Outcome outcome) {
        put(branch.id(), get(branch.id()).ended(outcome));
    }

    // ---- names

    /** The result of a name in the scope of a node. */
    public @Nullable Result find(String name, Running run) {
        Result bound = names.find(state.names(), run.frameRoot(), this::parent, name);
        return bound == null ? state.given().get(name) : bound;
    }

    /** All names in the scope of a node, with their results. */
    public Map<String, Result> visibleNames(Running run) {
        Map<String, Result> visible = new HashMap<>();
        for (String at = run.frameRoot(); at != null; at = parent(at)) {
            names(at).forEach(visible::putIfAbsent);
        }
        state.given().forEach(visible::putIfAbsent);
        return visible;
    }

    /** The names that a frame bound itself. */
    public Map<String, Result> names(String rootId) {
        return names.over(state.names(), rootId);
    }

    public void bind(String rootId, String name, Result result) {
        names.bind(rootId, name, result);
    }

    public void clearNames(String rootId) {
        names.clear(rootId);
    }

    /** Binds in the frame of a node the names that a frame below it bound itself. */
    public void mergeNames(String from, Running into) {
        names(from).forEach((name, result) -> names.bind(into.frameRoot(), name, result));
    }

    /** Removes a name that a frame bound itself. */
    public void unbind(String rootId, String name) {
        Map<String, Result> others = names(rootId);
        others.remove(name);
        names.clear(rootId);
        others.forEach((other, result) -> names.bind(rootId, other, result));
    }

    /** The root of the frame around it; null when that is out of sight. */
    private @Nullable String parent(String rootId) {
        Node parent = state.graph().parent(rootId);
        Running above = parent == null || decision.compensation().isUndo(rootId) ? null : decision.running(parent.id());
        return above == null ? null : above.frameRoot();
    }
}
