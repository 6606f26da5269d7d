package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.Frame;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Rule;
import dev.perdure.flow.Running;
import dev.perdure.graph.Node;
import dev.perdure.graph.TimeoutNode;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * TIMEOUT: its body, until a moment that its row says from the beginning; an outage does not move it. When it has passed, what runs is
 * interrupted and the other part begins, or the node fails. From then on the row says that the time was over, and no clock is asked any
 * more. Names stay in the frame that it stands in.
 */
record TimeoutRule(TimeoutNode node) implements Rule {

    private static final String TIMED_OUT = "timed out";
    private static final String OVER = "{\"timed_out\": true}";

    @Override
    public void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        if (row != null && row.canceled()) {
            if (row.bindings() != null && node.otherwise() != null) {
                decision.enter(node.otherwise(), run);
            }
            // The first to be entered.
            decision.enter(node.body(), run);
            return;
        }
        if (row != null && row.bindings() != null) {
            // The body is entered for what its rows say, and interrupted again, before any other time is over.
            decision.limit(node, run, Instant.EPOCH);
        } else {
            decision.limit(node, run, due(decision, run, row));
        }
        decision.enter(node.body(), run);
    }

    private Instant due(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Duration within = node.within();
        if (within == null) {
            Instant deadline = node.deadline();
            return deadline == null ? decision.at() : deadline;
        }
        if (row != null && row.wakeAt() != null) {
            return decision.within(within, row.wakeAt());
        }
        Instant due = decision.at().plus(within);
        if (row == null || !row.status().isTerminal()) {
            decision.persistRunning(node, run, due, null);
        }
        return due;
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (!(event instanceof Event.TimerFired)) {
            return;
        }
        decision.interrupt(node.body(), TIMED_OUT, null);
        Running over = decision.over(node, run);
        NodeRecord row = decision.recorded(node.id());
        boolean isKnown = row != null && row.bindings() != null && run.stamp().equals(row.stamp());
        if (!isKnown && (node.otherwise() != null || decision.compensation().isPending(node))) {
            decision.persistRunning(node, over, null, OVER);
        }
        decision.compensation().undo(node, over);
    }

    @Override
    public String undoneBelow(String self) {
        return node.body();
    }

    @Override
    public Running.Phase phaseWhenUndone() {
        return Running.Phase.OVER;
    }

    @Override
    public void undone(DecisionBuilder decision, Running run) {
        if (node.otherwise() == null) {
            String message = message() + decision.compensation().notes(node);
            decision.end(node, new Outcome.Failed(message, FailureCode.TIMEOUT, null, null, null));
        } else {
            decision.enter(node.otherwise(), run);
        }
    }

    @Override
    public boolean isEnteredWhenInterrupted() {
        return true;
    }

    @Override
    public @Nullable String bindings(Running run, Frame frame) {
        return run.phase() == Running.Phase.OVER ? OVER : null;
    }

    @Override
    public void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        NodeRecord row = decision.recorded(node.id());
        if (row != null && row.canceled() && run.stamp().equals(row.stamp())) {
            return;
        }
        if (child.id().equals(node.body())) {
            decision.unlimited(node, run);
        }
        decision.end(node, outcome);
    }

    private String message() {
        Duration within = node.within();
        return within == null
                ? "Timed out: the deadline of the instance, " + node.deadline() + ", has passed"
                : "Timed out: not done within " + text(within);
    }

    /** For people: {@code 1h 30m}, {@code 0.25s}. */
    static String text(Duration duration) {
        String iso = duration.toString().substring(2);
        return iso.replaceAll("(?<=[HM])(?=.)", " ").toLowerCase(java.util.Locale.ROOT);
    }
}
