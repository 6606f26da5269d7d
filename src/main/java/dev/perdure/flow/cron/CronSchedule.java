package dev.perdure.flow.cron;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A cron expression in the five-field Unix form (crontab(5)): minute, hour, day of month, month, day of week (0 and 7 are
 * Sunday), names of three letters, {@code @hourly} and the like. When neither day field begins with {@code *}, a day that
 * one of them matches is enough.
 *
 * <p>Where clocks are changed it keeps to what Vixie cron does. A schedule whose hour field begins with {@code *} follows
 * elapsed time: nothing happens in the hour that is left out, and the hour that comes twice counts twice. A schedule with
 * fixed hours runs once: at the end of the gap when its time is left out, the first time when it comes twice.
 */
public final class CronSchedule {

    private static final Map<String, String> NICKNAMES = Map.of(
            "@yearly", "0 0 1 1 *",
            "@annually", "0 0 1 1 *",
            "@monthly", "0 0 1 * *",
            "@weekly", "0 0 * * 0",
            "@daily", "0 0 * * *",
            "@midnight", "0 0 * * *",
            "@hourly", "0 * * * *");
    private static final List<String> MONTHS =
            List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");
    private static final List<String> DAYS = List.of("sun", "mon", "tue", "wed", "thu", "fri", "sat");

    /** 29 February on a given day of the week comes again after 40 years at the latest. */
    private static final int YEARS = 41;

    private final CronField minutes;
    private final CronField hours;
    private final CronField daysOfMonth;
    private final CronField months;
    private final CronField daysOfWeek;

    private CronSchedule(
            CronField minutes, CronField hours, CronField daysOfMonth, CronField months, CronField daysOfWeek) {
        this.minutes = minutes;
        this.hours = hours;
        this.daysOfMonth = daysOfMonth;
        this.months = months;
        this.daysOfWeek = daysOfWeek;
    }

    /** Reads an expression. */
    public static CronSchedule parse(String expression) throws InvalidCronException {
        String trimmed = expression.replaceAll("^[ \\t\\n\\r]+|[ \\t\\n\\r]+$", "");
        String[] field = NICKNAMES
                .getOrDefault(trimmed.toLowerCase(Locale.ROOT), trimmed)
                .split("[ \\t\\n\\r]+", -1);
        if (field.length != 5) {
            throw new InvalidCronException(expression);
        }
        CronField minutes = CronField.read(field[0], 0, 59, List.of());
        CronField hours = CronField.read(field[1], 0, 23, List.of());
        CronField daysOfMonth = CronField.read(field[2], 1, 31, List.of());
        CronField months = CronField.read(field[3], 1, 12, MONTHS);
        CronField daysOfWeek = CronField.read(field[4], 0, 7, DAYS);
        if (minutes == null || hours == null || daysOfMonth == null || months == null || daysOfWeek == null) {
            throw new InvalidCronException(expression);
        }
        return new CronSchedule(minutes, hours, daysOfMonth, months, daysOfWeek);
    }

    /** The first match after a time; null when there is none, as for 30 February. */
    public @Nullable Instant nextAfter(Instant time, ZoneId zone) {
        return hours.isStar() ? nextByElapsedTime(time, zone.getRules()) : nextByClock(time, zone);
    }

    private @Nullable Instant nextByClock(Instant time, ZoneId zone) {
        LocalDateTime local = LocalDateTime.ofInstant(time, zone).truncatedTo(ChronoUnit.MINUTES);
        for (LocalDateTime next = nextFrom(local); next != null; next = nextFrom(next.plusMinutes(1))) {
            Instant at = instant(next, zone);
            if (at.isAfter(time)) {
                return at;
            }
        }
        return null;
    }

    /** Between two changes of the clock local time runs evenly. */
    private @Nullable Instant nextByElapsedTime(Instant time, ZoneRules rules) {
        ZoneOffset offset = rules.getOffset(time);
        LocalDateTime from = LocalDateTime.ofEpochSecond(time.getEpochSecond(), 0, offset)
                .truncatedTo(ChronoUnit.MINUTES)
                .plusMinutes(1);
        ZoneOffsetTransition change = rules.nextTransition(time);
        while (true) {
            LocalDateTime next = nextFrom(from);
            if (next == null) {
                return null;
            }
            Instant at = next.toInstant(offset);
            if (change == null || at.isBefore(change.getInstant())) {
                return at;
            }
            // The clock is changed before: what comes then is counted from there.
            offset = change.getOffsetAfter();
            from = roundedUp(change.getDateTimeAfter());
            change = rules.nextTransition(change.getInstant());
        }
    }

    /**
     * The latest match up to a time, the time itself included; null when there is none. Forwards and backwards are the same
     * times: whatever {@link #nextAfter} finds is found here, and nothing else.
     */
    public @Nullable Instant latestUpTo(Instant time, ZoneId zone) {
        return hours.isStar() ? latestByElapsedTime(time, zone.getRules()) : latestByClock(time, zone);
    }

    private @Nullable Instant latestByClock(Instant time, ZoneId zone) {
        LocalDateTime local = LocalDateTime.ofInstant(time, zone).truncatedTo(ChronoUnit.MINUTES);
        ZoneOffsetTransition change = zone.getRules().previousTransition(time.plusNanos(1));
        if (change != null && change.isOverlap() && local.isBefore(change.getDateTimeBefore())) {
            // In the hour that comes for the second time, all of it has been there for the first time.
            local = lastMinuteBefore(change.getDateTimeBefore());
        }
        LocalDateTime latest = latestFrom(local);
        return latest == null ? null : instant(latest, zone);
    }

    private @Nullable Instant latestByElapsedTime(Instant time, ZoneRules rules) {
        ZoneOffset offset = rules.getOffset(time);
        LocalDateTime from =
                LocalDateTime.ofEpochSecond(time.getEpochSecond(), 0, offset).truncatedTo(ChronoUnit.MINUTES);
        ZoneOffsetTransition change = rules.previousTransition(time.plusNanos(1));
        while (true) {
            LocalDateTime latest = latestFrom(from);
            if (latest == null) {
                return null;
            }
            Instant at = latest.toInstant(offset);
            if (change == null || !at.isBefore(change.getInstant())) {
                return at;
            }
            // The clock was changed after: what came before is counted from there.
            offset = change.getOffsetBefore();
            from = lastMinuteBefore(change.getDateTimeBefore());
            change = rules.previousTransition(change.getInstant());
        }
    }

    /** The moment of a match by local time: at the end of the gap, or the first time. */
    private static Instant instant(LocalDateTime local, ZoneId zone) {
        ZoneOffsetTransition change = zone.getRules().getTransition(local);
        return change != null && change.isGap()
                ? change.getInstant()
                : ZonedDateTime.ofLocal(local, zone, null).toInstant();
    }

    private static LocalDateTime lastMinuteBefore(LocalDateTime time) {
        return time.minusNanos(1).truncatedTo(ChronoUnit.MINUTES);
    }

    private static LocalDateTime roundedUp(LocalDateTime time) {
        LocalDateTime minute = time.truncatedTo(ChronoUnit.MINUTES);
        return minute.equals(time) ? minute : minute.plusMinutes(1);
    }

    /** The first matching minute by the clock on the wall, the given one included. */
    private @Nullable LocalDateTime nextFrom(LocalDateTime from) {
        LocalDate last = from.toLocalDate().plusYears(YEARS);
        for (LocalDate day = from.toLocalDate(); !day.isAfter(last); day = nextCandidate(day)) {
            if (matches(day)) {
                LocalTime time = nextTime(day.equals(from.toLocalDate()) ? from.toLocalTime() : LocalTime.MIDNIGHT);
                if (time != null) {
                    return day.atTime(time);
                }
            }
        }
        return null;
    }

    /** The last matching minute by the clock on the wall, the given one included. */
    private @Nullable LocalDateTime latestFrom(LocalDateTime from) {
        LocalDate first = from.toLocalDate().minusYears(YEARS);
        for (LocalDate day = from.toLocalDate(); !day.isBefore(first); day = previousCandidate(day)) {
            if (matches(day)) {
                LocalTime time = latestTime(day.equals(from.toLocalDate()) ? from.toLocalTime() : LocalTime.of(23, 59));
                if (time != null) {
                    return day.atTime(time);
                }
            }
        }
        return null;
    }

    private LocalDate previousCandidate(LocalDate day) {
        LocalDate previous = day.minusDays(1);
        return months.matches(previous.getMonthValue())
                ? previous
                : previous.withDayOfMonth(1).minusDays(1);
    }

    private @Nullable LocalTime latestTime(LocalTime upTo) {
        int hour = hours.values().previousSetBit(upTo.getHour());
        if (hour == upTo.getHour()) {
            int minute = minutes.values().previousSetBit(upTo.getMinute());
            if (minute >= 0) {
                return LocalTime.of(hour, minute);
            }
            hour = hour == 0 ? -1 : hours.values().previousSetBit(hour - 1);
        }
        return hour < 0 ? null : LocalTime.of(hour, minutes.values().previousSetBit(59));
    }

    private LocalDate nextCandidate(LocalDate day) {
        LocalDate next = day.plusDays(1);
        return months.matches(next.getMonthValue())
                ? next
                : next.withDayOfMonth(1).plusMonths(1);
    }

    private @Nullable LocalTime nextTime(LocalTime from) {
        int hour = hours.values().nextSetBit(from.getHour());
        if (hour == from.getHour()) {
            int minute = minutes.values().nextSetBit(from.getMinute());
            if (minute >= 0) {
                return LocalTime.of(hour, minute);
            }
            hour = hours.values().nextSetBit(hour + 1);
        }
        return hour < 0 ? null : LocalTime.of(hour, minutes.values().nextSetBit(0));
    }

    private boolean matches(LocalDate day) {
        if (!months.matches(day.getMonthValue())) {
            return false;
        }
        int weekday = day.getDayOfWeek().getValue();
        boolean ofMonth = daysOfMonth.matches(day.getDayOfMonth());
        boolean ofWeek = daysOfWeek.matches(weekday) || weekday == 7 && daysOfWeek.matches(0);
        return daysOfMonth.isStar() || daysOfWeek.isStar() ? ofMonth && ofWeek : ofMonth || ofWeek;
    }
}
