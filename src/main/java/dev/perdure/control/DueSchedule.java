package dev.perdure.control;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.flow.schedule.Overlap;
import dev.perdure.flow.schedule.SchedulePlan;
import dev.perdure.flow.schedule.SchedulePlanner;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A schedule that is due, as {@code df._due_schedules} returns it.
 *
 * @param state null when it is not known yet: so many runs have ended that they are forgotten first, a page at a time
 * @param problem why nothing can be started as its role; null when it can
 */
record DueSchedule(
        long id,
        long version,
        String cron,
        String timezone,
        Overlap overlap,
        Duration catchUp,
        Duration jitter,
        SchedulePlanner.@Nullable State state,
        @Nullable Instant next,
        @Nullable String problem,
        Instant now) {

    /** The actions on a schedule, with {@code plan} as {@code df._run_schedules} takes it. */
    record Decision(DueSchedule schedule, List<SchedulePlan.Run> runs, ObjectNode plan) {

        boolean pauses() {
            return plan.has("pause");
        }
    }

    private static final JsonMapper JSON = new JsonMapper();
    private static final double MILLIS = 1000;

    static DueSchedule of(ResultSet row) throws SQLException {
        return new DueSchedule(
                row.getLong("id"),
                row.getLong("version"),
                row.getString("cron"),
                row.getString("timezone"),
                Overlap.of(row.getString("overlap")),
                Duration.ofMillis(Math.round(row.getDouble("catch_up") * MILLIS)),
                Duration.ofMillis((long) (row.getDouble("jitter") * MILLIS)),
                row.getObject("active") == null
                        ? null
                        : new SchedulePlanner.State(
                                instant(row, "next_at"), instant(row, "buffered_at"), row.getBoolean("active")),
                instant(row, "next_at"),
                row.getString("problem"),
                row.getObject("now", OffsetDateTime.class).toInstant());
    }

    private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    /** The actions that are due. */
    Decision decide() {
        if (problem != null) {
            return pause(problem);
        }
        if (state == null) {
            return decision(document().putNull("active"), List.of());
        }
        SchedulePlan plan;
        try {
            plan = SchedulePlanner.plan(
                    new SchedulePlanner.Definition(id, PlannedTimes.of(cron, timezone), overlap, catchUp, jitter),
                    state,
                    now);
        } catch (InvalidCronException | DateTimeException e) {
            return pause(String.valueOf(e.getMessage()));
        }
        ObjectNode document = document();
        document.put("active", state.active());
        document.put("cancel", plan.cancelsOthers());
        document.put("next_at", text(plan.next()));
        document.put("due_at", text(plan.due()));
        document.put("buffered_at", text(plan.buffered()));
        return decision(document, plan.runs());
    }

    /** Pauses the schedule until somebody resumes it. */
    Decision pause(String reason) {
        ObjectNode document = document();
        document.put("pause", reason);
        return decision(
                document,
                next == null || next.isAfter(now)
                        ? List.of()
                        : List.of(new SchedulePlan.Run(next, SchedulePlan.Outcome.FAILED, reason)));
    }

    private ObjectNode document() {
        return JSON.createObjectNode().put("id", id).put("version", version);
    }

    private Decision decision(ObjectNode document, List<SchedulePlan.Run> runs) {
        ArrayNode rows = document.putArray("runs");
        for (SchedulePlan.Run run : runs) {
            rows.addObject()
                    .put("at", text(run.planned()))
                    .put("outcome", run.outcome().name().toLowerCase(Locale.ROOT))
                    .put("reason", run.reason());
        }
        return new Decision(this, runs, document);
    }

    private static @Nullable String text(@Nullable Instant time) {
        return time == null ? null : time.toString();
    }
}
