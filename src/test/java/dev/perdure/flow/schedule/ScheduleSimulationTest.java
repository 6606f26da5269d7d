package dev.perdure.flow.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.cron.CronSchedule;
import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.flow.schedule.SchedulePlan.Outcome;
import dev.perdure.flow.schedule.SchedulePlan.Run;
import dev.perdure.flow.schedule.SchedulePlanner.Definition;
import dev.perdure.flow.schedule.SchedulePlanner.State;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Years of a schedule in virtual time: two workers look at random moments, one of them at what the other has done already, plans are
 * lost before they are written, the clock jumps to and fro, runs end when they like.
 */
class ScheduleSimulationTest {

    private static final Instant BEGIN = Instant.parse("2024-01-01T00:00:00Z");
    private static final Instant END = Instant.parse("2025-04-15T00:00:00Z");
    private static final List<String> CRONS =
            List.of("30 2 * * *", "*/30 1,2,3 * * *", "15 * * * *", "0 */3 * * *", "0 12 1 * *", "59 23 * * sun");

    /** The row of the schedule, and its run rows. */
    private static final class World {
        private final Map<Instant, Outcome> rows = new HashMap<>();
        private final Set<Instant> started = new HashSet<>();
        private int version;
        private @Nullable Instant next;
        private @Nullable Instant due;
        private @Nullable Instant buffered;
        private int active;
        private int mostActive;

        State state() {
            return new State(next, buffered, active > 0);
        }

        /** As {@code df._run_schedules} does it: a plan for another version is not carried out. */
        void write(int madeFor, SchedulePlan plan) {
            if (madeFor != version) {
                return;
            }
            version++;
            if (plan.cancelsOthers()) {
                active = 0;
            }
            for (Run run : plan.runs()) {
                Outcome before = rows.put(run.planned(), run.outcome());
                assertThat(before).as("%s is decided twice", run.planned()).isIn(null, Outcome.BUFFERED);
                if (run.outcome() == Outcome.STARTED) {
                    assertThat(started.add(run.planned())).isTrue();
                    active++;
                    mostActive = Math.max(mostActive, active);
                }
            }
            next = plan.next();
            due = plan.due();
            buffered = plan.buffered();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Europe/Berlin",
                "America/New_York",
                "America/Santiago",
                "Australia/Lord_Howe",
                "Africa/Casablanca",
                "Asia/Gaza"
            })
    void each_planned_time_has_exactly_one_row(String zone) throws InvalidCronException {
        for (int i = 0; i < CRONS.size(); i++) {
            Overlap[] overlaps = Overlap.values();
            live(zone, CRONS.get(i), overlaps[(i + zone.length()) % overlaps.length], i);
        }
    }

    private static void live(String zone, String cron, Overlap overlap, int seed) throws InvalidCronException {
        PlannedTimes times = new PlannedTimes(CronSchedule.parse(cron), ZoneId.of(zone));
        Random random = new Random(seed * 31L + cron.hashCode() + overlap.ordinal());
        Duration jitter = seed % 2 == 0 ? Duration.ZERO : Duration.ofMinutes(random.nextInt(90));
        Definition schedule = new Definition(7 + seed, times, overlap, Duration.ofHours(random.nextInt(5)), jitter);
        World world = new World();
        world.next = times.after(BEGIN).orElseThrow();
        Instant clock = BEGIN;
        SchedulePlan stale = null;
        int staleVersion = -1;
        while (clock.isBefore(END)) {
            clock = after(clock, world.due, random);
            if (random.nextInt(40) == 0) {
                // A clock that was set wrong, and right again.
                clock = clock.plus(Duration.ofMinutes(random.nextInt(180) - 120));
            }
            if (random.nextInt(3) == 0) {
                world.active = 0;
            }
            SchedulePlan plan = SchedulePlanner.plan(schedule, world.state(), clock);
            if (random.nextInt(4) == 0) {
                // The worker is killed before it writes, or what it wrote was not committed.
                stale = plan;
                staleVersion = world.version;
                continue;
            }
            world.write(world.version, plan);
            if (stale != null && random.nextBoolean()) {
                world.write(staleVersion, stale);
            }
        }
        List<Instant> all = new ArrayList<>();
        Instant until = world.next;
        for (Instant at = times.after(BEGIN).orElseThrow(); until != null && at.isBefore(until); ) {
            all.add(at);
            at = times.after(at).orElseThrow();
        }
        assertThat(world.rows.keySet())
                .as("%s in %s, %s", cron, zone, overlap)
                .containsExactlyInAnyOrderElementsOf(all);
        if (overlap.isExclusive()) {
            assertThat(world.mostActive).isLessThanOrEqualTo(1);
        }
        assertThat(world.started).isNotEmpty();
    }

    /** Mostly when something is due, sometimes before; now and then an outage. */
    private static Instant after(Instant clock, @Nullable Instant due, Random random) {
        return switch (random.nextInt(20)) {
            case 0 -> clock.plusSeconds(random.nextInt(100_000));
            case 1, 2 -> clock.plusSeconds(random.nextInt(1_000));
            default -> (due != null && due.isAfter(clock) ? due : clock).plusSeconds(random.nextInt(20));
        };
    }

    @Test
    void a_clock_that_jumps_back_a_year_runs_nothing_again() throws InvalidCronException {
        Definition schedule = schedule("0 * * * *", Overlap.ALLOW, Duration.ofHours(1));
        Instant next = Instant.parse("2026-06-01T10:00:00Z");
        SchedulePlan plan =
                SchedulePlanner.plan(schedule, new State(next, null, false), next.minus(Duration.ofDays(365)));
        assertThat(plan.runs()).isEmpty();
        assertThat(plan.next()).isEqualTo(next);
        assertThat(plan.due()).isEqualTo(next);
    }

    @Test
    void after_an_outage_of_a_year_the_latest_thousand_have_rows_and_one_row_says_how_many_there_were_before()
            throws InvalidCronException {
        Definition schedule = schedule("*/30 * * * *", Overlap.ALLOW, Duration.ofHours(2));
        Instant now = Instant.parse("2026-06-01T10:00:01Z");
        SchedulePlan plan =
                SchedulePlanner.plan(schedule, new State(now.minus(Duration.ofDays(100)), null, false), now);

        assertThat(plan.runs()).hasSize(1_001);
        assertThat(plan.runs().get(0).outcome()).isEqualTo(Outcome.MISSED);
        assertThat(plan.runs().get(0).reason()).startsWith("3799 others were missed, too, up to 2026-05-");
        assertThat(plan.runs().stream()
                        .filter(run -> run.outcome() == Outcome.STARTED)
                        .map(Run::planned))
                .containsExactly(
                        Instant.parse("2026-06-01T08:30:00Z"),
                        Instant.parse("2026-06-01T09:00:00Z"),
                        Instant.parse("2026-06-01T09:30:00Z"),
                        Instant.parse("2026-06-01T10:00:00Z"));
        assertThat(plan.next()).isEqualTo(Instant.parse("2026-06-01T10:30:00Z"));
    }

    @Test
    void of_times_that_are_due_together_the_overlap_says_how_many_run_and_the_latest_do() throws InvalidCronException {
        Instant now = Instant.parse("2026-06-01T10:00:01Z");
        State state = new State(now.minusSeconds(3 * 3600 + 1), null, false);
        Duration day = Duration.ofDays(1);
        assertThat(outcomes(SchedulePlanner.plan(schedule("0 * * * *", Overlap.SKIP, day), state, now)))
                .isEqualTo("07 skipped, 08 skipped, 09 skipped, 10 started");
        assertThat(outcomes(SchedulePlanner.plan(schedule("0 * * * *", Overlap.BUFFER, day), state, now)))
                .isEqualTo("07 skipped, 08 skipped, 09 started, 10 buffered");
        assertThat(outcomes(SchedulePlanner.plan(schedule("0 * * * *", Overlap.CANCEL_OTHER, day), state, now)))
                .isEqualTo("07 skipped, 08 skipped, 09 skipped, 10 started");
        assertThat(outcomes(SchedulePlanner.plan(schedule("0 * * * *", Overlap.ALLOW, day), state, now)))
                .isEqualTo("07 started, 08 started, 09 started, 10 started");
        assertThat(outcomes(SchedulePlanner.plan(schedule("0 * * * *", Overlap.ALLOW, Duration.ZERO), state, now)))
                .isEqualTo("07 missed, 08 missed, 09 missed, 10 started");
    }

    @Test
    void a_storm_is_not_started() throws InvalidCronException {
        Instant now = Instant.parse("2026-06-01T10:00:01Z");
        SchedulePlan plan = SchedulePlanner.plan(
                schedule("* * * * *", Overlap.ALLOW, Duration.ofDays(30)),
                new State(now.minus(Duration.ofHours(5)), null, false),
                now);
        assertThat(plan.runs()).hasSize(300);
        assertThat(plan.runs().stream().filter(run -> run.outcome() == Outcome.STARTED))
                .hasSize(SchedulePlanner.MOST_AT_ONCE);
    }

    @Test
    void a_run_that_waits_begins_when_the_other_one_has_ended() throws InvalidCronException {
        Definition schedule = schedule("0 * * * *", Overlap.BUFFER, Duration.ofHours(1));
        Instant ten = Instant.parse("2026-06-01T10:00:00Z");
        SchedulePlan waits = SchedulePlanner.plan(schedule, new State(ten, null, true), ten.plusSeconds(1));
        assertThat(outcomes(waits)).isEqualTo("10 buffered");
        assertThat(waits.due()).isEqualTo(ten.plusSeconds(2));
        SchedulePlan full =
                SchedulePlanner.plan(schedule, new State(waits.next(), waits.buffered(), true), ten.plusSeconds(3_601));
        assertThat(outcomes(full)).isEqualTo("11 skipped");
        SchedulePlan begins =
                SchedulePlanner.plan(schedule, new State(full.next(), full.buffered(), false), ten.plusSeconds(3_700));
        assertThat(outcomes(begins)).isEqualTo("10 started");
        assertThat(begins.buffered()).isNull();
    }

    @Test
    void the_latest_run_replaces_the_one_that_runs_and_the_one_that_waits() throws InvalidCronException {
        Definition schedule = schedule("0 * * * *", Overlap.CANCEL_OTHER, Duration.ofHours(1));
        Instant ten = Instant.parse("2026-06-01T10:00:00Z");
        SchedulePlan first = SchedulePlanner.plan(schedule, new State(ten, null, true), ten);
        assertThat(outcomes(first)).isEqualTo("10 buffered");
        assertThat(first.cancelsOthers()).isTrue();
        SchedulePlan second =
                SchedulePlanner.plan(schedule, new State(first.next(), first.buffered(), true), ten.plusSeconds(3_600));
        assertThat(outcomes(second)).isEqualTo("10 skipped, 11 buffered");
    }

    @Test
    void jitter_is_the_same_each_time_and_less_than_what_was_asked_for() {
        Duration most = Duration.ofMinutes(10);
        Set<Duration> different = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            Instant planned = BEGIN.plusSeconds(3_600L * i);
            Duration jitter = Jitter.of(i % 10, planned, most);
            assertThat(jitter).isEqualTo(Jitter.of(i % 10, planned, most)).isBetween(Duration.ZERO, most);
            different.add(jitter);
        }
        assertThat(different).hasSizeGreaterThan(900);
    }

    private static Definition schedule(String cron, Overlap overlap, Duration catchUp) throws InvalidCronException {
        return new Definition(1, PlannedTimes.of(cron, "UTC"), overlap, catchUp, Duration.ZERO);
    }

    private static String outcomes(SchedulePlan plan) {
        return String.join(
                ", ",
                plan.runs().stream()
                        .map(run -> run.planned().toString().substring(11, 13) + " "
                                + run.outcome().name().toLowerCase(java.util.Locale.ROOT))
                        .toList());
    }
}
