package dev.perdure.flow;

import dev.perdure.flow.cron.CronSchedule;
import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.TimeZones;
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
    public void begin(Turn turn, Running run, @Nullable Recorded row) {
        Instant recorded = row == null ? null : row.wakeAt();
        if (recorded != null) {
            turn.awaitMoment(node, run, recorded);
            return;
        }
        Instant due;
        try {
            ZoneId zone = node.timezone() == null ? ZoneOffset.UTC : TimeZones.of(node.timezone());
            due = CronSchedule.parse(node.cronExpression()).nextAfter(turn.at(), zone);
        } catch (InvalidCronException | DateTimeException e) {
            turn.end(node, new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        if (due == null) {
            turn.end(node, new Outcome.Failed("No upcoming schedule found for '" + node.cronExpression() + "'"));
            return;
        }
        turn.persistRunning(node, run, due, null);
        turn.awaitMoment(node, run, due);
    }

    @Override
    public void happened(Turn turn, Running run, Event event) {
        if (event instanceof Event.TimerFired) {
            turn.end(node, new Outcome.Succeeded(RESULT));
        }
    }

    /** With this blank, which shows in an instance's output. */
    @Override
    public Outcome completed(Result result) {
        return new Outcome.Succeeded(RESULT);
    }
}
