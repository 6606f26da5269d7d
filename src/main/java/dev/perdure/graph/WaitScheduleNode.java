package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * Waits for the next match of a cron expression.
 *
 * @param cronExpression may be hand-written and bad, which fails the node when it is reached
 * @param timezone name of a time zone, as the expression; null for UTC
 */
public record WaitScheduleNode(String id, @Nullable String resultName, String cronExpression, @Nullable String timezone)
        implements Node {
    @Override
    public String type() {
        return "WAIT_SCHEDULE";
    }
}
