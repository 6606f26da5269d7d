package dev.perdure.kubernetes.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.kubernetes.api.ConcurrencyPolicy;
import dev.perdure.kubernetes.api.DurableScheduleSpec;
import dev.perdure.kubernetes.api.Phase;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.ResourceKind;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a schedule starts what. */
class ScheduleDecisionTest {

    private static final Instant CREATED = Instant.parse("2026-03-01T00:30:00Z");

    private final DurableScheduleSpec spec = new DurableScheduleSpec();

    ScheduleDecisionTest() {
        spec.schedule = "0 * * * *";
    }

    @Test
    void nothing_is_due_before_the_first_time_after_the_creation() throws InvalidDefinitionException {
        ScheduleDecision decision = at("2026-03-01T00:59:59Z", null);

        assertThat(decision.start()).isEmpty();
        assertThat(decision.next()).contains(Instant.parse("2026-03-01T01:00:00Z"));
    }

    @Test
    void a_run_is_started_when_its_time_has_come_and_once() throws InvalidDefinitionException {
        assertThat(at("2026-03-01T01:00:00Z", null).start()).contains(Instant.parse("2026-03-01T01:00:00Z"));
        assertThat(at("2026-03-01T01:00:10Z", "2026-03-01T01:00:00Z").start()).isEmpty();
        assertThat(at("2026-03-01T01:00:10Z", null, run("a", "2026-03-01T01:00:00Z", null))
                        .start())
                .as("the status was not written, but the run is there")
                .isEmpty();
    }

    @Test
    void of_many_that_were_missed_the_latest_is_started() throws InvalidDefinitionException {
        ScheduleDecision decision = at("2026-03-04T10:15:00Z", "2026-03-01T01:00:00Z");

        assertThat(decision.start()).contains(Instant.parse("2026-03-04T10:00:00Z"));
        assertThat(decision.last()).contains(Instant.parse("2026-03-04T10:00:00Z"));
        assertThat(decision.next()).contains(Instant.parse("2026-03-04T11:00:00Z"));
    }

    @Test
    void one_whose_starting_deadline_is_over_is_left_out() throws InvalidDefinitionException {
        spec.startingDeadlineSeconds = 60L;

        assertThat(at("2026-03-01T01:01:00Z", null).start()).isPresent();
        ScheduleDecision late = at("2026-03-01T01:01:01Z", null);
        assertThat(late.start()).isEmpty();
        assertThat(late.missed()).contains(Instant.parse("2026-03-01T01:00:00Z"));
        assertThat(late.last()).isEmpty();
    }

    @Test
    void a_suspended_schedule_starts_nothing() throws InvalidDefinitionException {
        spec.suspend = true;
        ScheduleDecision decision = at("2026-03-01T05:00:00Z", null);

        assertThat(decision.start()).isEmpty();
        assertThat(decision.next()).isEmpty();
    }

    @Test
    void what_happens_to_a_run_that_has_not_ended_is_the_policys_business() throws InvalidDefinitionException {
        ScheduledRun running = run("old", "2026-03-01T01:00:00Z", Phase.RUNNING);

        assertThat(at("2026-03-01T02:00:00Z", null, running).start()).isPresent();

        spec.concurrencyPolicy = ConcurrencyPolicy.FORBID;
        ScheduleDecision forbidden = at("2026-03-01T02:00:00Z", null, running);
        assertThat(forbidden.start()).isEmpty();
        assertThat(forbidden.blocked()).contains(Instant.parse("2026-03-01T02:00:00Z"));
        assertThat(forbidden.delete()).isEmpty();
        assertThat(at("2026-03-01T02:10:00Z", null, run("old", "2026-03-01T01:00:00Z", Phase.SUCCEEDED))
                        .start())
                .as("late, when the other one has ended")
                .contains(Instant.parse("2026-03-01T02:00:00Z"));

        spec.concurrencyPolicy = ConcurrencyPolicy.REPLACE;
        ScheduleDecision replaced = at("2026-03-01T02:00:00Z", null, running);
        assertThat(replaced.start()).as("only when the other one is gone").isEmpty();
        assertThat(replaced.delete()).extracting(ScheduledRun::name).containsExactly("old");
    }

    @Test
    void the_history_keeps_the_latest() throws InvalidDefinitionException {
        spec.successfulRunsHistoryLimit = 1;
        spec.failedRunsHistoryLimit = 0;
        ScheduleDecision decision = at(
                "2026-03-01T05:10:00Z",
                "2026-03-01T05:00:00Z",
                run("s1", "2026-03-01T01:00:00Z", Phase.SUCCEEDED),
                run("s2", "2026-03-01T02:00:00Z", Phase.SUCCEEDED),
                run("f1", "2026-03-01T03:00:00Z", Phase.FAILED),
                run("c1", "2026-03-01T04:00:00Z", Phase.CANCELLED),
                run("r1", "2026-03-01T05:00:00Z", Phase.RUNNING));

        assertThat(decision.delete()).extracting(ScheduledRun::name).containsExactlyInAnyOrder("s1", "f1", "c1");
        assertThat(decision.active()).containsExactly("r1");
        assertThat(decision.lastSuccess()).contains(Instant.parse("2026-03-01T02:00:30Z"));
    }

    @ParameterizedTest(name = "{0} in {1} after {2} is {3}")
    @CsvSource({
        "0 3 * * *,        Europe/Berlin,    2026-01-10T00:00:00Z, 2026-01-10T02:00:00Z",
        "0 3 * * *,        Europe/Berlin,    2026-07-10T00:00:00Z, 2026-07-10T01:00:00Z",
        "0 3 * * *,        europe/berlin,    2026-03-28T12:00:00Z, 2026-03-29T01:00:00Z",
        "0 12 * * *,       America/New_York, 2026-11-01T00:00:00Z, 2026-11-01T17:00:00Z",
        "@daily,           UTC,              2026-02-27T12:00:00Z, 2026-02-28T00:00:00Z",
        "0 0 29 2 *,       UTC,              2026-01-01T00:00:00Z, 2028-02-29T00:00:00Z",
        "0 0 13 * fri,     UTC,              2026-03-01T00:00:00Z, 2026-03-06T00:00:00Z",
        "0 0 * * 7,        UTC,              2026-03-02T00:00:00Z, 2026-03-08T00:00:00Z",
        "0 0 * * 0,        UTC,              2026-03-02T00:00:00Z, 2026-03-08T00:00:00Z",
        "*/20 8-9 * * 1-5, UTC,              2026-03-06T09:41:00Z, 2026-03-09T08:00:00Z",
    })
    void times_are_those_of_the_zone(String cron, String zone, Instant after, Instant expected)
            throws InvalidDefinitionException {
        PlannedTimes times = CronTimes.of(cron, zone);

        assertThat(times.after(after)).contains(expected);
        assertThat(times.upTo(expected))
                .as("the same time, looked at from behind")
                .contains(expected);
        assertThat(times.upTo(expected.minusSeconds(1))).isNotEqualTo(Optional.of(expected));
    }

    @Test
    void what_is_no_schedule_is_refused_with_its_place() {
        assertThatThrownBy(() -> CronTimes.of("every day", null)).hasMessageStartingWith("spec.schedule: 'every day'");
        assertThatThrownBy(() -> CronTimes.of("* * * * *", "Mars/Olympus"))
                .hasMessageStartingWith("spec.timeZone: unknown time zone 'Mars/Olympus'");
    }

    private ScheduleDecision at(String now, @Nullable String last, ScheduledRun... runs)
            throws InvalidDefinitionException {
        return ScheduleDecision.of(
                spec,
                CronTimes.of(spec.schedule, spec.timeZone),
                CREATED,
                Optional.ofNullable(last).map(Instant::parse),
                Optional.empty(),
                List.of(runs),
                Instant.parse(now));
    }

    private static ScheduledRun run(String name, String scheduledAt, @Nullable Phase phase) {
        Instant at = Instant.parse(scheduledAt);
        boolean ended = phase != null && phase.isFinal();
        return new ScheduledRun(
                new ResourceKey(ResourceKind.WORKFLOW, "team-a", name),
                "uid-" + name,
                at,
                phase,
                ended ? at.plusSeconds(30) : null,
                false);
    }
}
