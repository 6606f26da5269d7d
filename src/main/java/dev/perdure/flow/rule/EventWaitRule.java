package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.EventWait;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.EventWaitNode;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * WAIT_EVENT: waits until another instance has published a value, and for a time. What it waits for is written down with the row that
 * says so: what is published finds it there, in memory or not, and by any leader.
 */
record EventWaitRule(EventWaitNode node) implements LeafRule {

    /** A longer text is no id, nor a mistaken one. */
    private static final int LONGEST_ID = 64;

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        boolean isRecorded = row != null && row.status() == NodeStatus.RUNNING;
        Instant recorded = row == null ? null : row.wakeAt();
        Instant deadline = recorded == null && node.timeoutSeconds() != null
                ? decision.at().plusSeconds(node.timeoutSeconds())
                : recorded;
        if (!isRecorded || recorded == null && deadline != null) {
            String publisher = publisher(decision, run);
            if (publisher == null) {
                return;
            }
            decision.persistRunning(node, run, deadline, null);
            decision.noteEventWait(new EventWait(node.id(), publisher, node.eventName()));
        }
        Instant latest = deadline == null || node.timeoutSeconds() == null
                ? deadline
                : decision.within(Duration.ofSeconds(node.timeoutSeconds()), deadline);
        decision.awaitSignal(node, run, node.awaitedSignal(run.stamp()), latest);
    }

    /** The id that the template means; null when the node has failed for it. */
    private @Nullable String publisher(DecisionBuilder decision, Running run) {
        String id;
        try {
            id = decision.substitution(node, run).raw(node.publisher()).strip();
        } catch (SubstitutionException e) {
            decision.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return null;
        }
        if (id.isEmpty() || id.length() > LONGEST_ID) {
            decision.end(node, new Outcome.Failed(invisible(id.isEmpty() ? "''" : id.substring(0, LONGEST_ID) + "…")));
            return null;
        }
        return id;
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.SignalReceived found && found.signalId() < 0) {
            decision.noteEventWait(new EventWait(node.id(), null, node.eventName()));
            JsonNode id = Json.parse(found.data());
            decision.end(node, new Outcome.Failed(invisible(id == null ? found.data() : id.asText())));
        } else if (event instanceof Event.SignalReceived found) {
            end(decision, false, found.data());
        } else if (event instanceof Event.TimerFired) {
            end(decision, true, "null");
        }
    }

    private void end(DecisionBuilder decision, boolean timedOut, String data) {
        decision.noteEventWait(new EventWait(node.id(), null, node.eventName()));
        decision.end(
                node,
                new Outcome.Succeeded(new Result(
                        Json.canonical("{\"event_name\":" + Json.quoted(node.eventName()) + ",\"timed_out\":" + timedOut
                                + ",\"data\":" + data + "}"),
                        null)));
    }

    private String invisible(String id) {
        return "Instance not found or access denied: " + id + ", whose event '" + node.eventName() + "' is waited for";
    }
}
