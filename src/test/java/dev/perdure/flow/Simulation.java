package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.graph.CallNode;
import dev.perdure.graph.ConditionWaitNode;
import dev.perdure.graph.Graph;
import dev.perdure.graph.LoopNode;
import dev.perdure.graph.RetryNode;
import dev.perdure.graph.SectionNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An engine in miniature: commits decisions to a {@link RowStore}, keeps the effects, and can lose its memory. */
final class Simulation {

    static final String ID = "a1b2c3d4";
    static final String S1 = ID + "::1";
    static final String COLUMNS = "[[\"v\",\"int4\"]]";

    final RowStore store = new RowStore();
    /** What was started and not answered yet. */
    final Map<Activation, Effect> open = new LinkedHashMap<>();

    final List<String> interrupted = new ArrayList<>();
    final Set<Activation> done = new HashSet<>();
    final Graph graph;
    final Map<String, String> vars;
    InstanceState state;
    Instant now = Instant.parse("2026-01-01T00:00:00Z");

    Simulation(Graph graph) {
        this(graph, Map.of());
    }

    Simulation(Graph graph, Map<String, String> vars) {
        this.graph = graph;
        this.vars = vars;
        this.state = InstanceState.load(ID, "a label", vars, graph, store.recorded());
        happens(new Event.Loaded(now));
    }

    Decision happens(Event event) {
        Decision decision = Interpreter.decide(state, event);
        store.commit(decision.checkpoint());
        state.apply(decision);
        for (Effect effect : decision.effects()) {
            if (effect instanceof Effect.Interrupt interrupt) {
                if (open.remove(effect.activation()) == null) {
                    throw new AssertionError("interrupts what was not started: " + interrupt);
                }
                interrupted.add(effect.activation().nodeId());
            } else {
                boolean isLook = graph.node(effect.activation().nodeId()) instanceof ConditionWaitNode
                        || (graph.node(effect.activation().nodeId()) instanceof CallNode
                                        || graph.node(effect.activation().nodeId()) instanceof SectionNode)
                                && effect instanceof Effect.AwaitSignal;
                if (done.contains(effect.activation()) && !isLook) {
                    throw new AssertionError("started again although done: " + effect);
                }
                if (open.put(effect.activation(), effect) != null) {
                    throw new AssertionError("started twice: " + effect);
                }
                if (!state.isActive(effect.activation())) {
                    throw new AssertionError("started, but not waited for: " + effect);
                }
            }
        }
        return decision;
    }

    /** Memory is lost; the rows remain. */
    Simulation crash() {
        open.clear();
        // An attempt, or a round, of which no row shows that it has begun begins anew, with its timer.
        done.removeIf(activation -> graph.node(activation.nodeId()) instanceof RetryNode
                || graph.node(activation.nodeId()) instanceof LoopNode
                || graph.node(activation.nodeId()) instanceof ConditionWaitNode);
        if (store.end == null) {
            state = InstanceState.load(ID, "a label", vars, graph, store.recorded());
            happens(new Event.Loaded(now));
        }
        return this;
    }

    /** Memory of an instance that was cancelled is lost. */
    Simulation crash(String cancelled) {
        crash();
        if (store.end == null) {
            happens(new Event.Cancelled(cancelled, now));
        }
        return this;
    }

    Simulation after(Duration time) {
        now = now.plus(time);
        return this;
    }

    Simulation succeed(String node, String json, @Nullable String columns) {
        happens(success(answer(node), json, columns));
        return this;
    }

    /** Succeeds with one row of one column. */
    Simulation succeed(String node, String value) {
        return succeed(node, "{\"rows\":[{\"v\":" + value + "}],\"row_count\":1}", COLUMNS);
    }

    Simulation fail(String node, String message) {
        happens(failure(answer(node), message));
        return this;
    }

    /** Lets the timer of a node fire at its time. */
    Simulation fire(String node) {
        Activation activation = answer(node);
        Instant due = due(Objects.requireNonNull(last));
        now = due.isAfter(now) ? due : now;
        happens(new Event.TimerFired(activation, now));
        return this;
    }

    private static Instant due(Effect effect) {
        return effect instanceof Effect.AwaitSignal wait
                ? Objects.requireNonNull(wait.deadline(), "a wait with a deadline")
                : ((Effect.StartTimer) effect).at();
    }

    Event success(Activation activation, String json, @Nullable String columns) {
        return new Event.StepSucceeded(activation, new Result(json, columns), sql(), params(), now, 1, now);
    }

    Event failure(Activation activation, String message) {
        return failure(activation, message, null);
    }

    Event failure(Activation activation, String message, @Nullable String sqlState) {
        return new Event.StepFailed(activation, message, sqlState, null, sql(), params(), now, 1, now);
    }

    Simulation fail(String node, String message, String sqlState) {
        happens(failure(answer(node), message, sqlState));
        return this;
    }

    private @Nullable Effect last;

    /** Takes the open effect of a node, to answer it. */
    Activation answer(String node) {
        Effect effect = open.values().stream()
                .filter(candidate -> candidate.activation().nodeId().equals(node))
                .findFirst()
                .orElseThrow(() -> new AssertionError("node " + node + " is not running: " + open.keySet()));
        open.remove(effect.activation());
        done.add(effect.activation());
        last = effect;
        return effect.activation();
    }

    private @Nullable String params() {
        return last instanceof Effect.RunSql run ? run.statement().params() : null;
    }

    private String sql() {
        return last instanceof Effect.RunSql run ? run.sql() : "";
    }

    // ---- what tests look at

    /** The SQL that a node was asked to run. */
    String running(String node) {
        return open.values().stream()
                .filter(effect -> effect.activation().nodeId().equals(node))
                .map(effect -> ((Effect.RunSql) effect).sql())
                .findFirst()
                .orElse("(not running)");
    }

    List<String> openNodes() {
        return open.keySet().stream().map(Activation::nodeId).sorted().toList();
    }

    String status(String node) {
        RowStore.Row row = store.rows.get(node);
        return row == null ? "pending" : row.status().text();
    }

    @Nullable String result(String node) {
        RowStore.Row row = store.rows.get(node);
        return row == null ? null : row.result();
    }

    @Nullable String error(String node) {
        RowStore.Row row = store.rows.get(node);
        return row == null ? null : row.error();
    }

    String stamp(String node) {
        return store.rows.get(node).stamp();
    }

    String end() {
        return store.end == null ? "(goes on)" : store.end.status() + " " + store.end.output();
    }
}
