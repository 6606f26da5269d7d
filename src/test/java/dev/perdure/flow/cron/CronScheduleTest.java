package dev.perdure.flow.cron;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The next time of a cron expression: calendar, changes of the clock, and the opinion of another implementation. */
class CronScheduleTest {

    private static List<String> next(String expression, String zone, String from, int times) throws Exception {
        CronSchedule schedule = CronSchedule.parse(expression);
        List<String> found = new ArrayList<>();
        Instant at = Instant.parse(from);
        for (int i = 0; i < times && at != null; i++) {
            at = schedule.nextAfter(at, ZoneId.of(zone));
            found.add(String.valueOf(at));
        }
        return found;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            * * * * *        | 2026-01-01T00:01:00Z 2026-01-01T00:02:00Z
            5/20 3 * * *     | 2026-01-01T03:05:00Z 2026-01-01T03:25:00Z 2026-01-01T03:45:00Z 2026-01-02T03:05:00Z
            @hourly          | 2026-01-01T01:00:00Z 2026-01-01T02:00:00Z
            @daily           | 2026-01-02T00:00:00Z
            @weekly          | 2026-01-04T00:00:00Z 2026-01-11T00:00:00Z
            @monthly         | 2026-02-01T00:00:00Z
            @yearly          | 2027-01-01T00:00:00Z
            0 12 * * 0       | 2026-01-04T12:00:00Z
            0 12 * * 7       | 2026-01-04T12:00:00Z
            0 0 * * 5-7      | 2026-01-02T00:00:00Z 2026-01-03T00:00:00Z 2026-01-04T00:00:00Z 2026-01-09T00:00:00Z
            0 0 * * sun-tue  | 2026-01-04T00:00:00Z 2026-01-05T00:00:00Z 2026-01-06T00:00:00Z 2026-01-11T00:00:00Z
            0 0 * feb Mon    | 2026-02-02T00:00:00Z 2026-02-09T00:00:00Z
            0 12 13 * fri    | 2026-01-02T12:00:00Z 2026-01-09T12:00:00Z 2026-01-13T12:00:00Z 2026-01-16T12:00:00Z
            0 0 */2 * mon    | 2026-01-05T00:00:00Z 2026-01-19T00:00:00Z 2026-02-09T00:00:00Z
            0 0 31 * *       | 2026-01-31T00:00:00Z 2026-03-31T00:00:00Z 2026-05-31T00:00:00Z
            0 0 29 2 *       | 2028-02-29T00:00:00Z 2032-02-29T00:00:00Z
            0 0 29 2 */7     | 2032-02-29T00:00:00Z 2060-02-29T00:00:00Z
            0 0 30 2 *       | null
            0 0 31 4,6,9,11 *| null
            """)
    void follows_the_calendar(String expression, String expected) throws Exception {
        List<String> times = List.of(expected.split(" "));
        assertThat(next(expression, "UTC", "2026-01-01T00:00:00Z", times.size()))
                .isEqualTo(times);
    }

    @Test
    void a_match_is_later_than_now_even_by_a_part_of_a_second() throws Exception {
        assertThat(next("0 0 * * *", "UTC", "2026-01-01T23:59:59.999Z", 1)).containsExactly("2026-01-02T00:00:00Z");
        assertThat(next("0 0 * * *", "UTC", "2026-01-02T00:00:00Z", 1)).containsExactly("2026-01-03T00:00:00Z");
        assertThat(next("* * * * *", "UTC", "2026-01-02T00:00:00.001Z", 1)).containsExactly("2026-01-02T00:01:00Z");
    }

    /** Zone, expression, start, and what follows. */
    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            Europe/Berlin       | 30 2 * * *    | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z
            Europe/Berlin       | */20 2 * * *  | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-30T00:00:00Z
            Europe/Berlin       | */30 * * * *  | 2026-03-29T00:10:00Z | 2026-03-29T00:30:00Z 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z
            Europe/Berlin       | 15 * * * *    | 2026-03-29T00:00:00Z | 2026-03-29T00:15:00Z 2026-03-29T01:15:00Z
            Europe/Berlin       | 30 2 * * *    | 2026-10-24T12:00:00Z | 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z
            Europe/Berlin       | */30 * * * *  | 2026-10-24T23:40:00Z | 2026-10-25T00:00:00Z 2026-10-25T00:30:00Z 2026-10-25T01:00:00Z 2026-10-25T01:30:00Z 2026-10-25T02:00:00Z
            Europe/Berlin       | 0 3 * * *     | 2026-10-24T12:00:00Z | 2026-10-25T02:00:00Z
            Europe/Berlin       | 0 8 * * *     | 2026-03-28T12:00:00Z | 2026-03-29T06:00:00Z
            America/New_York    | 30 2 * * *    | 2026-03-07T12:00:00Z | 2026-03-08T07:00:00Z 2026-03-09T06:30:00Z
            America/New_York    | 30 1 * * *    | 2026-10-31T12:00:00Z | 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z
            America/New_York    | 30 * * * *    | 2026-11-01T05:00:00Z | 2026-11-01T05:30:00Z 2026-11-01T06:30:00Z 2026-11-01T07:30:00Z
            Australia/Lord_Howe | 15 2 * * *    | 2026-10-03T00:00:00Z | 2026-10-03T15:30:00Z 2026-10-04T15:15:00Z
            Australia/Lord_Howe | 15,40 2 * * * | 2026-10-03T00:00:00Z | 2026-10-03T15:30:00Z 2026-10-03T15:40:00Z 2026-10-04T15:15:00Z
            Australia/Lord_Howe | 0 * * * *     | 2026-10-03T14:00:00Z | 2026-10-03T14:30:00Z 2026-10-03T16:00:00Z
            Australia/Lord_Howe | 45 1 * * *    | 2026-04-04T00:00:00Z | 2026-04-04T14:45:00Z 2026-04-05T15:15:00Z
            Australia/Lord_Howe | */15 * * * *  | 2026-04-04T14:50:00Z | 2026-04-04T15:00:00Z 2026-04-04T15:15:00Z 2026-04-04T15:30:00Z
            Asia/Beirut         | @daily        | 2026-03-28T12:00:00Z | 2026-03-28T22:00:00Z 2026-03-29T21:00:00Z
            Asia/Kolkata        | 0 9 * * 1-5   | 2026-01-02T12:00:00Z | 2026-01-05T03:30:00Z
            """)
    void runs_once_where_clocks_are_changed_and_by_elapsed_time_when_every_hour_counts(
            String zone, String expression, String from, String expected) throws Exception {
        List<String> times = List.of(expected.split(" "));
        assertThat(next(expression, zone, from, times.size())).isEqualTo(times);
    }

    @Test
    void what_is_no_expression_is_refused_in_the_words_of_the_builder() {
        assertThatThrownBy(() -> CronSchedule.parse("99 * * * *"))
                .isInstanceOf(InvalidCronException.class)
                .hasMessage("Invalid cron expression '99 * * * *': Invalid expression: Invalid cron expression.");
    }

    /** In UTC, and where the two mean the same: cron-utils restricts a day by a step of {@code *}, and has no 7 in ranges. */
    @Property(tries = 400)
    void agrees_with_cron_utils(@ForAll long seed) throws Exception {
        Random random = new Random(seed);
        String expression = String.join(
                " ",
                field(random, 0, 59, true),
                field(random, 0, 23, true),
                field(random, 1, 28, false),
                field(random, 1, 12, false),
                field(random, 0, 6, false));
        Instant from = Instant.ofEpochSecond(1_700_000_000L + random.nextInt(100_000_000));
        ExecutionTime theirs = ExecutionTime.forCron(
                new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX)).parse(expression));

        Instant ours = CronSchedule.parse(expression).nextAfter(from, ZoneOffset.UTC);

        assertThat(ours)
                .as("%s after %s", expression, from)
                .isEqualTo(theirs.nextExecution(from.atZone(ZoneOffset.UTC))
                        .orElseThrow()
                        .toInstant());
    }

    private static String field(Random random, int low, int high, boolean steps) {
        int kind = random.nextInt(steps ? 5 : 4);
        int first = low + random.nextInt(high - low + 1);
        int last = first + random.nextInt(high - first + 1);
        return switch (kind) {
            case 0, 1 -> "*";
            case 2 -> first + "-" + last;
            case 3 ->
                random.ints(1 + random.nextInt(3), low, high + 1)
                        .distinct()
                        .sorted()
                        .mapToObj(String::valueOf)
                        .collect(Collectors.joining(","));
            default -> "*/" + (1 + random.nextInt(high));
        };
    }
}
