package dev.perdure.kubernetes.reconcile;

import dev.perdure.flow.cron.CronSchedule;
import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.kubernetes.manifest.CronText;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.ZoneText;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The times that a cron expression means in a time zone: those of {@code df.wait_for_schedule}, all of them whole minutes. */
final class CronTimes {

    private final CronSchedule schedule;
    private final ZoneId zone;

    private CronTimes(CronSchedule schedule, ZoneId zone) {
        this.schedule = schedule;
        this.zone = zone;
    }

    /** An expression and the name of a zone, UTC without one. */
    static CronTimes of(String expression, @Nullable String timeZone) throws InvalidDefinitionException {
        Optional<ZoneId> zone = ZoneText.zone(timeZone == null ? "UTC" : timeZone);
        if (zone.isEmpty()) {
            throw new InvalidDefinitionException("spec.timeZone: " + ZoneText.problem(timeZone));
        }
        try {
            return new CronTimes(CronSchedule.parse(expression), zone.get());
        } catch (InvalidCronException e) {
            throw new InvalidDefinitionException("spec.schedule: " + CronText.problem(expression));
        }
    }

    /** The first time after a moment; empty when there is none, such as on the 30th of February. */
    Optional<Instant> after(Instant moment) {
        return Optional.ofNullable(schedule.nextAfter(moment, zone));
    }

    /** The latest time up to a moment. */
    Optional<Instant> upTo(Instant moment) {
        return Optional.ofNullable(schedule.latestUpTo(moment, zone));
    }
}
