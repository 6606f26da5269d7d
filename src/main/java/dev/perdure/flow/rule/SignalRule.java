package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.SignalNode;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * SIGNAL: waits for a signal, and for a time (specification 4.8; that signals are kept: {@code docs/compatibility}). The
 * row says durably that it waits and until when, so that a signal finds an instance that is not in memory.
 */
record SignalRule(SignalNode node) implements LeafRule {

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        boolean isRecorded = row != null && row.status() == NodeStatus.RUNNING;
        Instant recorded = row == null ? null : row.wakeAt();
        Instant deadline = recorded == null && node.timeoutSeconds() != null
                ? decision.at().plusSeconds(node.timeoutSeconds())
                : recorded;
        if (!isRecorded || recorded == null && deadline != null) {
            decision.persistRunning(node, run, deadline, null);
        }
        Instant latest = deadline == null || node.timeoutSeconds() == null
                ? deadline
                : decision.within(Duration.ofSeconds(node.timeoutSeconds()), deadline);
        decision.awaitSignal(node, run, node.awaitedSignal(run.stamp()), latest);
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.SignalReceived signal) {
            decision.consume(signal.signalId(), node);
            decision.end(node, new Outcome.Succeeded(result(false, signal.data())));
        } else if (event instanceof Event.TimerFired) {
            decision.end(node, new Outcome.Succeeded(result(true, "null")));
        }
    }

    private Result result(boolean timedOut, String data) {
        return new Result(
                Json.canonical("{\"signal_name\":" + Json.quoted(node.signalName()) + ",\"timed_out\":" + timedOut
                        + ",\"data\":" + data + "}"),
                null);
    }
}
