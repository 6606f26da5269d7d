package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.cron.CronSchedule;
import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.TimeZones;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.WaitScheduleNode;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;

/** WAIT_SCHEDULE: a timer for the next match, which is computed when the node is reached (specification 4.9). */
record ScheduleRule(WaitScheduleNode node) implements LeafRule {

    private static final Result RESULT = new Result("{\"scheduled\": true}", null);

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        Instant recorded = row == null ? null : row.wakeAt();
        if (recorded != null) {
            decision.awaitMoment(node, run, recorded);
            return;
        }
        Instant due;
        try {
            ZoneId zone = node.timezone() == null ? ZoneOffset.UTC : TimeZones.of(node.timezone());
            due = CronSchedule.parse(node.cronExpression()).nextAfter(decision.at(), zone);
        } catch (InvalidCronException | DateTimeException e) {
            decision.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        if (due == null) {
            decision.end(node, new Outcome.Failed("No upcoming schedule found for '" + node.cronExpression() + "'"));
            return;
        }
        decision.persistRunning(node, run, due, null);
        decision.awaitMoment(node, run, due);
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.TimerFired) {
            decision.end(node, new Outcome.Succeeded(RESULT));
        }
    }

    /** With this blank, which shows in an instance's output. */
    @Override
    public Outcome completed(Result result) {
        return new Outcome.Succeeded(RESULT);
    }
}
