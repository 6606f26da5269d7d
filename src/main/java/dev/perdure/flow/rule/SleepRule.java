package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Event;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Result;
import dev.perdure.graph.SleepNode;
import java.math.BigInteger;
import java.time.Instant;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** SLEEP: a timer that survives crashes (specification 4.8). */
record SleepRule(SleepNode node) implements LeafRule {

    private static final Pattern UNSIGNED = Pattern.compile("\\+?[0-9]{1,40}");
    private static final BigInteger MOST = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);
    /** Later years have a sign in ISO 8601, which PostgreSQL takes for a time zone. */
    private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

    @Override
    public void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        BigInteger seconds = seconds();
        if (seconds == null) {
            decision.end(node, new Outcome.Failed("Invalid sleep duration: " + node.seconds()));
            return;
        }
        Instant recorded = row == null ? null : row.wakeAt();
        // What was recorded, and never more than the text says from now: the clock may have been set back since.
        Instant latest = after(decision.at(), seconds);
        Instant due = recorded == null || recorded.isAfter(latest) ? latest : recorded;
        if (recorded == null) {
            decision.persistRunning(node, run, due, null);
        }
        decision.await(node, run, due);
    }

    @Override
    public void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.TimerFired) {
            decision.end(node, new Outcome.Succeeded(result()));
        }
    }

    @Override
    public Outcome completed(Result result) {
        return new Outcome.Succeeded(result());
    }

    /** With these blanks, which show in an instance's output. */
    private Result result() {
        return new Result("{\"slept\": true, \"seconds\": " + seconds() + "}", null);
    }

    private @Nullable BigInteger seconds() {
        if (!UNSIGNED.matcher(node.seconds()).matches()) {
            return null;
        }
        BigInteger seconds = new BigInteger(node.seconds());
        return seconds.compareTo(MOST) > 0 ? null : seconds;
    }

    private static Instant after(Instant from, BigInteger seconds) {
        BigInteger most = BigInteger.valueOf(LATEST.getEpochSecond() - from.getEpochSecond());
        return seconds.compareTo(most) >= 0 ? LATEST : from.plusSeconds(seconds.longValueExact());
    }
}
