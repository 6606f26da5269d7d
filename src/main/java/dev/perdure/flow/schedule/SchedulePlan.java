package dev.perdure.flow.schedule;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The next action for a schedule.
 *
 * @param runs what became of planned times, the earliest first
 * @param cancelsOthers whether runs that have not ended are cancelled
 * @param next the first planned time that is not decided; null when there is none
 * @param due when the schedule is looked at next; null: never
 * @param buffered the planned time of the run that waits for the end of another one
 */
public record SchedulePlan(
        List<Run> runs,
        boolean cancelsOthers,
        @Nullable Instant next,
        @Nullable Instant due,
        @Nullable Instant buffered) {

    /** The outcome of a planned time. */
    public enum Outcome {
        STARTED,
        BUFFERED,
        SKIPPED,
        MISSED,
        FAILED
    }

    /** A planned time, and its outcome. */
    public record Run(Instant planned, Outcome outcome, @Nullable String reason) {}
}
