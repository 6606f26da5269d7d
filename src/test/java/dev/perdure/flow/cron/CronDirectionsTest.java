package dev.perdure.flow.cron;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.Slow;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The times of a schedule are the same ones, whether they are looked for from before or from behind. */
@Slow("thousands of random expressions, forth and back")
class CronDirectionsTest {

    private static final Instant FROM = Instant.parse("2024-01-01T00:00:00Z");
    private static final Instant TO = Instant.parse("2031-01-01T00:00:00Z");

    /** Fixed hours and every hour, near the times at which clocks are changed, and days that are rare. */
    private static final List<String> EXPRESSIONS = List.of(
            "30 2 * * *",
            "0 0 * * *",
            "59 23 * * *",
            "0,30 0-3 * * *",
            "*/20 1,2 * * *",
            "15 * * * *",
            "*/30 */1 * * *",
            "10 */2 * * *",
            "0 3 * * sun",
            "30 1 1 * mon",
            "0 0 31 * *",
            "45 2 29 2 *",
            "0 12 1 jan *");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UTC",
                "Europe/Berlin",
                "Europe/London",
                "Europe/Dublin",
                "America/New_York",
                "America/Sao_Paulo",
                "America/Santiago",
                "America/Havana",
                "America/St_Johns",
                "America/Godthab",
                "Africa/Cairo",
                "Africa/Casablanca",
                "Asia/Beirut",
                "Asia/Gaza",
                "Asia/Jerusalem",
                "Asia/Kolkata",
                "Asia/Tehran",
                "Australia/Lord_Howe",
                "Pacific/Chatham",
                "Pacific/Apia",
                "Antarctica/Troll"
            })
    void forwards_and_backwards_are_the_same_from_2024_to_2030(String zone) throws InvalidCronException {
        for (String expression : EXPRESSIONS) {
            CronSchedule schedule = CronSchedule.parse(expression);

            List<Instant> forwards = forwards(schedule, ZoneId.of(zone));
            List<Instant> backwards = backwards(schedule, ZoneId.of(zone));

            assertThat(backwards).as("%s in %s", expression, zone).isEqualTo(forwards);
            assertThat(forwards).as("%s in %s", expression, zone).isNotEmpty();
        }
    }

    /** What is looked at every twenty minutes sees each time once, whatever the clock does: two days before each change and after. */
    @ParameterizedTest
    @ValueSource(strings = {"Europe/Berlin", "America/Santiago", "Africa/Cairo", "America/Havana", "Antarctica/Troll"})
    void who_looks_often_finds_what_the_steps_forward_find(String zone) throws InvalidCronException {
        List<ZoneOffsetTransition> changes = changes(ZoneId.of(zone));
        assertThat(changes).hasSizeGreaterThan(10);
        for (String expression : List.of("30 2 * * *", "0 0 * * *", "15 * * * *")) {
            CronSchedule schedule = CronSchedule.parse(expression);
            List<Instant> forwards = forwards(schedule, ZoneId.of(zone));
            for (ZoneOffsetTransition change : changes) {
                Instant from = change.getInstant().minus(Duration.ofDays(2));
                Instant to = change.getInstant().plus(Duration.ofDays(2));
                List<Instant> seen = new ArrayList<>();
                for (Instant now = from; now.isBefore(to); now = now.plus(Duration.ofMinutes(20))) {
                    Instant latest = schedule.latestUpTo(now, ZoneId.of(zone));
                    if (latest != null
                            && !latest.isBefore(from)
                            && (seen.isEmpty() || !seen.get(seen.size() - 1).equals(latest))) {
                        seen.add(latest);
                    }
                }

                assertThat(seen).as("%s in %s at %s", expression, zone, change).isSorted();
                assertThat(forwards.stream()
                                .filter(time ->
                                        !time.isBefore(from) && time.isBefore(to.minus(Duration.ofMinutes(20)))))
                        .as("%s in %s at %s", expression, zone, change)
                        .containsExactlyElementsOf(seen.stream()
                                .filter(time -> time.isBefore(to.minus(Duration.ofMinutes(20))))
                                .toList());
            }
        }
    }

    private static List<ZoneOffsetTransition> changes(ZoneId zone) {
        List<ZoneOffsetTransition> changes = new ArrayList<>();
        ZoneOffsetTransition next = zone.getRules().nextTransition(FROM);
        while (next != null && next.getInstant().isBefore(TO)) {
            changes.add(next);
            next = zone.getRules().nextTransition(next.getInstant());
        }
        return changes;
    }

    /** The days of finding P8: clocks go forward over the time, or back over it. */
    @ParameterizedTest(name = "{0} in {1} up to {2}")
    @CsvSource({
        "30 2 * * *, Europe/Berlin,    2026-10-25T01:30:00Z, 2026-10-25T00:30:00Z",
        "30 2 * * *, Europe/Berlin,    2026-10-25T00:30:00Z, 2026-10-25T00:30:00Z",
        "30 2 * * *, Europe/Berlin,    2026-03-29T00:59:59Z, 2026-03-28T01:30:00Z",
        "30 2 * * *, Europe/Berlin,    2026-03-29T01:00:00Z, 2026-03-29T01:00:00Z",
        "30 2 * * *, America/New_York, 2026-03-08T12:00:00Z, 2026-03-08T07:00:00Z",
        "0 0 * * *,  America/Santiago, 2026-09-06T12:00:00Z, 2026-09-06T04:00:00Z",
        "0 0 * * *,  Africa/Cairo,     2026-04-24T12:00:00Z, 2026-04-23T22:00:00Z",
        "0 0 * * *,  America/Havana,   2026-03-08T12:00:00Z, 2026-03-08T05:00:00Z",
        "15 * * * *, Europe/Berlin,    2026-10-25T01:20:00Z, 2026-10-25T01:15:00Z",
        "15 * * * *, Europe/Berlin,    2026-10-25T01:10:00Z, 2026-10-25T00:15:00Z",
        "15 * * * *, Europe/Berlin,    2026-03-29T01:05:00Z, 2026-03-29T00:15:00Z",
        "0 0 30 2 *, UTC,              2026-03-29T01:05:00Z, ",
    })
    void the_latest_time_is_the_one_that_ran(String expression, String zone, Instant upTo, @Nullable Instant expected)
            throws InvalidCronException {
        assertThat(CronSchedule.parse(expression).latestUpTo(upTo, ZoneId.of(zone)))
                .isEqualTo(expected);
    }

    private static List<Instant> forwards(CronSchedule schedule, ZoneId zone) {
        List<Instant> found = new ArrayList<>();
        Instant at = schedule.nextAfter(FROM.minusNanos(1), zone);
        while (at != null && at.isBefore(TO)) {
            found.add(at);
            at = schedule.nextAfter(at, zone);
        }
        return found;
    }

    private static List<Instant> backwards(CronSchedule schedule, ZoneId zone) {
        List<Instant> found = new ArrayList<>();
        Instant at = schedule.latestUpTo(TO.minusNanos(1), zone);
        while (at != null && !at.isBefore(FROM)) {
            found.add(0, at);
            at = schedule.latestUpTo(at.minusNanos(1), zone);
        }
        return found;
    }
}
