package dev.perdure.graph;

import org.jspecify.annotations.Nullable;

/**
 * Waits for the next match of a cron expression.
 *
 * @param config {@code {"cron_expr":…}}, not looked into yet
 */
public record WaitScheduleNode(String id, @Nullable String resultName, String config) implements Node {

    @Override
    public String type() {
        return "WAIT_SCHEDULE";
    }
}
