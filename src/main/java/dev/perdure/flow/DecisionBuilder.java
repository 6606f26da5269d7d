package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
import dev.perdure.flow.template.AddressBook;
import dev.perdure.flow.template.Substitution;
import dev.perdure.flow.template.TextBudget;
import dev.perdure.flow.template.Variables;
import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One decision while it is being taken, as rules see it. It reads the state through the changes that it has made so far, and leaves the
 * state itself alone. Its {@link Agenda} has the work that is left.
 */
public final class DecisionBuilder {

    private final InstanceState state;
    private final Instant at;
    private final Function<Node, Rule> rules;
    private final CheckpointBuilder draft;
    private final Map<String, @Nullable Running> running = new HashMap<>();
    private final OverdueLimits overdue = new OverdueLimits(this::running);
    private final Set<String> rounds = new HashSet<>();
    private final Frames frames;
    private final Compensation compensation;
    private final Agenda agenda;
    private final TextBudget texts;
    private boolean loaded;

    DecisionBuilder(InstanceState state, Instant at, Function<Node, Rule> rules) {
        this.state = state;
        this.at = at;
        this.rules = rules;
        this.draft = new CheckpointBuilder(state);
        this.texts = new TextBudget(state.limits());
        this.frames = new Frames(this, state);
        this.compensation = new Compensation(this, draft, state);
        this.agenda = new Agenda(this, draft, state, overdue);
    }

    // ---- what sets it off

    /** Finds the position in the rows: enters nodes as always, while every leaf that has ended answers from its row. */
    void load() {
        if (state.recorded() != null) {
            loaded = true;
            agenda.enter(graph().rootId(), null);
            agenda.work();
        }
    }

    void happened(Activation activation, Event event) {
        if (state.isActive(activation)) {
            rule(activation.nodeId()).happened(this, entered(activation.nodeId()), event);
            agenda.work();
        }
    }

    void cancel(String reason) {
        if (!draft.hasEnd() && !compensation.isCancelling()) {
            Map<String, NodeRecord> rows = state.recorded();
            // Of what was cancelled before anything of it was done nothing has run.
            if (rows == null || !rows.isEmpty()) {
                settleOverdue();
            }
            Node root = graph().root();
            Running run = entered(root.id());
            interrupt(root.id(), reason, null);
            compensation.cancel(root, run, reason);
            agenda.work();
        }
    }

    Decision decision() {
        boolean isEmpty = !loaded && running.isEmpty() && draft.rows().isEmpty() && !draft.hasEnd();
        StateDelta change = isEmpty
                ? StateDelta.NONE
                : new StateDelta(
                        state.version(),
                        running,
                        draft.rows(),
                        frames.changed(),
                        frames.names(),
                        compensation.changed(),
                        compensation.cancelling(),
                        draft.hasEnd());
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

    /** The row that a node was loaded with; null unless memory was just loaded, or it stands in a section that has waited. */
    public @Nullable NodeRecord recorded(String nodeId) {
        return state.recorded(nodeId);
    }

    /** The open frames, and the names that they bind. */
    public Frames frames() {
        return frames;
    }

    /** The undos of sagas. */
    public Compensation compensation() {
        return compensation;
    }

    public Substitution substitution(Node node, Running run) {
        Variables variables =
                state.variables().of(() -> new AddressBook.Step(node.id(), run.stamp(), stepName(run), at));
        return new Substitution(variables, name -> frames.find(name, run), texts);
    }

    /** The common name of all attempts of a step, see {@link Effect.SendHttp#step}. */
    public String stepName(Running run) {
        return StepName.of(graph(), run.stamp(), rules);
    }

    /** The output text of an instance or execution. */
    public static String output(Result result) {
        return result.columns() == null ? result.json() : ResultDocument.canonical(result);
    }

    // ---- what rules write

    public void enter(String child, Running parent) {
        agenda.enter(child, parent.stamp());
    }

    public void end(Node node, Outcome outcome) {
        agenda.end(node, outcome, null, null);
    }

    public void end(Node node, Outcome outcome, Execution execution) {
        agenda.end(node, outcome, execution, null);
    }

    public void end(Node node, Outcome outcome, String rowError) {
        agenda.end(node, outcome, null, rowError);
    }

    /** Runs the node as a step of the engine. */
    public void perform(Node node, Running run, Effect effect) {
        continueAs(node, run.in(Running.Phase.STEP, null));
        draft.start(effect);
    }

    /** Runs the node as a timer. */
    public void await(Node node, Running run, Instant due) {
        await(node, run, due, until(due));
    }

    /** Runs the node as a wait for a moment of the calendar. */
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

    /** Runs the node while its children run, until a time. */
    public void limit(Node node, Running run, Instant due) {
        Running limited = continueAs(node, run.in(Running.Phase.LIMITED, due));
        Activation activation = new Activation(node.id(), limited.stamp());
        draft.start(new Effect.StartTimer(activation, due, until(due)));
        if (!due.isAfter(at)) {
            overdue.add(activation);
        }
    }

    /** Runs the node without its limit. */
    public Running unlimited(Node node, Running run) {
        Activation activation = new Activation(node.id(), run.stamp());
        if (!draft.takeBack(activation)) {
            draft.start(new Effect.Interrupt(activation, null));
        }
        return continueAs(node, run.in(Running.Phase.COMPOUND, null));
    }

    /** Runs the other part of a node with a limit, whose timer has fired. */
    public Running over(Node node, Running run) {
        draft.takeBack(new Activation(node.id(), run.stamp()));
        return continueAs(node, run.in(Running.Phase.OVER, null));
    }

    /** A time that was computed before, but at most a span from now: the clock may have been set back since. */
    public Instant within(Duration span, Instant due) {
        return until(due).compareTo(span) > 0 ? at().plus(span) : due;
    }

    /** Runs the node as a wait for a signal. */
    public void awaitSignal(Node node, Running run, String name, @Nullable Instant deadline) {
        continueAs(node, run.in(Running.Phase.SIGNAL, deadline));
        draft.start(new Effect.AwaitSignal(
                new Activation(node.id(), run.stamp()), name, deadline, deadline == null ? null : until(deadline)));
    }

    /** Ends the items of a map: those that have not ended are cancelled. */
    public void endMap(Activation map) {
        draft.endMap(map);
    }

    public void consume(long signalId, Node node) {
        draft.consume(new Consumption(signalId, node.id()));
    }

    /** Begins or ends a wait for an event. */
    public void noteEventWait(EventWait wait) {
        draft.noteEventWait(wait);
    }

    /** Assigns the node to a program or a person. */
    public void assign(Assignment assignment) {
        draft.assign(isUndo(assignment.activation().nodeId()) ? assignment.undoing() : assignment);
    }

    private boolean isUndo(String nodeId) {
        String id = nodeId;
        Node above = graph().parent(id);
        while (above != null && !id.equals(graph().undo(above.id()))) {
            id = above.id();
            above = graph().parent(id);
        }
        return above != null;
    }

    public Running continueAs(Node node, Running run) {
        running.put(node.id(), run);
        return run;
    }

    public void persistRunning(Node node, Running run, @Nullable Instant wakeAt, @Nullable String bindings) {
        draft.running(node.id(), run.stamp(), wakeAt, run.startedAt(), bindings);
    }

    /** Records the next round of a loop, with the latest failure of a round. */
    public void persistRound(Node node, Running run, @Nullable Instant wakeAt, Frame round) {
        Outcome.Failed failure = round.failure();
        draft.round(
                node.id(),
                run.stamp(),
                wakeAt,
                run.startedAt(),
                round.bindings(),
                failure == null ? null : failure.error());
    }

    /** Lets the node wait for its next attempt. */
    public void persistRetrying(Node node, Running run, Instant wakeAt, int attempt, String lastError) {
        draft.retrying(node.id(), run.stamp(), wakeAt, run.startedAt(), attempt, lastError);
    }

    /** Begins the next round of a loop; false when it has done so in this decision before. */
    public boolean beginsRound(String loop) {
        return rounds.add(loop);
    }

    public void nextExecution(Checkpoint.NextExecution next) {
        draft.nextExecution(next);
    }

    /** Sets the failure of the branch that failed its JOIN or RACE to the message of that failure. */
    public void rewriteFailure(String loop, Outcome.Failed failure) {
        Frame frame = frames.get(loop);
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
     * Interrupts everything that runs below a node.
     *
     * @param loopError see {@link Interruption#below}
     */
    public void interrupt(String rootId, String reason, @Nullable String loopError) {
        new Interruption(this, draft, state, reason).below(rootId, loopError);
    }

    // ---- what runs

    void forget(String nodeId) {
        running.put(nodeId, null);
    }

    /** Notes that everything that runs by now may have run before a crash. */
    void settleOverdue() {
        overdue.settle(running);
    }

    /** Whether an activation that this decision has entered may have run before. */
    boolean hasFound(String nodeId, String stamp) {
        return overdue.hasFound(nodeId, stamp);
    }

    /** Whether a program or a person decides a node below that one, and may have done so by now. */
    boolean awaitsAnswer(String rootId) {
        Deque<String> open = new ArrayDeque<>(graph().children(rootId));
        while (!open.isEmpty()) {
            String id = open.pop();
            Running run = running(id);
            if (run != null
                    && run.phase() == Running.Phase.SIGNAL
                    && graph().node(id).isAssigned()) {
                return true;
            }
            graph().children(id).forEach(open::push);
        }
        return false;
    }

    @Nullable Running running(String nodeId) {
        return running.containsKey(nodeId) ? running.get(nodeId) : state.running(nodeId);
    }

    /** A node that was entered and has not ended. */
    Running entered(String nodeId) {
        Running run = running(nodeId);
        if (run == null) {
            throw new IllegalStateException("the memory of node " + nodeId + " is incomplete");
        }
        return run;
    }
}
