package dev.perdure.flow.cron;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;

/** The times that a cron expression means in a time zone: those of {@code df.wait_for_schedule}. */
public final class PlannedTimes {

    private final CronSchedule schedule;
    private final ZoneId zone;

    public PlannedTimes(CronSchedule schedule, ZoneId zone) {
        this.schedule = schedule;
        this.zone = zone;
    }

    /**
     * The times of texts as the tables hold them.
     *
     * @throws DateTimeException when the JVM does not know the zone
     */
    public static PlannedTimes of(String cron, String zone) throws InvalidCronException {
        return new PlannedTimes(CronSchedule.parse(cron), TimeZones.of(zone));
    }

    /** The first time after a moment; empty when there is none, such as on the 30th of February. */
    public Optional<Instant> after(Instant moment) {
        return Optional.ofNullable(schedule.nextAfter(moment, zone));
    }

    /** The latest time up to a moment. */
    public Optional<Instant> upTo(Instant moment) {
        return Optional.ofNullable(schedule.latestUpTo(moment, zone));
    }

    /** The latest time before a moment. */
    public Optional<Instant> before(Instant moment) {
        return upTo(moment.minusNanos(1));
    }

    /** The latest time up to now that is after all decided ones; empty when nothing is due. */
    public Optional<Instant> latestDue(Instant now, Instant decided) {
        return upTo(now).filter(time -> time.isAfter(decided));
    }
}
